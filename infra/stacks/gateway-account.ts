import { type App, Stack } from 'aws-cdk-lib';
import { CfnAccount } from 'aws-cdk-lib/aws-apigateway';
import { ManagedPolicy, PolicyDocument, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { acknowledgeFindings } from '../acknowledgements.ts';
import type { Place } from '../constructs/arns.ts';
import { allow } from '../constructs/statements.ts';
import { boundaryName } from '../declaration/names.ts';

/** What API Gateway does with CloudWatch Logs; it takes the role only when it may do all of this. */
const LOG_ACTIONS = [
  'logs:CreateLogGroup',
  'logs:CreateLogStream',
  'logs:DescribeLogGroups',
  'logs:DescribeLogStreams',
  'logs:FilterLogEvents',
  'logs:GetLogEvents',
  'logs:PutLogEvents',
];

/**
 * The role by which API Gateway writes logs. It is one an account and region, shared with every other API there, and a first
 * deploy with access logs fails without it: on unless the declaration says `apiGatewayAccount: false`.
 */
export function createGatewayAccountStack(
  app: App,
  system: string,
  id: string,
  place: Place,
  env: object,
): Stack {
  const stack = new Stack(app, id, {
    description: `${system}: the role that API Gateway writes logs with (one an account and region).`,
    ...env,
  });
  const statement = () => allow({ sid: 'Logs', actions: LOG_ACTIONS, resources: ['*'] });
  const boundary = new ManagedPolicy(stack, 'Boundary', {
    managedPolicyName: boundaryName(system, 'gateway-account'),
    description: 'The most that the role of API Gateway can be allowed.',
    statements: [statement()],
  });
  const role = new Role(stack, 'Role', {
    description: 'Role of API Gateway for its logs.',
    assumedBy: new ServicePrincipal('apigateway.amazonaws.com'),
    permissionsBoundary: boundary,
    inlinePolicies: { logs: new PolicyDocument({ statements: [statement()] }) },
  });
  new CfnAccount(stack, 'Account', { cloudWatchRoleArn: role.roleArn });
  acknowledgeFindings(stack, { system, place, functions: [] });
  return stack;
}
