import { Stack } from 'aws-cdk-lib';
import { CfnAccount } from 'aws-cdk-lib/aws-apigateway';
import { ManagedPolicy, PolicyDocument, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { allow } from '../constructs/statements.ts';
import { boundaryName } from '../declaration/names.ts';
import { suppressFindings } from '../nag-suppressions.ts';
import { type SystemProps, shapeTemplate } from './system-stack.ts';

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
export class GatewayAccountStack extends Stack {
  constructor(scope: Construct, id: string, { system, ...props }: SystemProps) {
    super(scope, id, {
      analyticsReporting: false,
      stackName: id,
      ...props,
      description: `${system.name}: the role that API Gateway writes logs with (one an account and region).`,
    });
    shapeTemplate(this);
    const statement = () => allow('Logs', LOG_ACTIONS, '*');
    const boundary = new ManagedPolicy(this, 'Boundary', {
      managedPolicyName: boundaryName(system.name, 'gateway-account'),
      statements: [statement()],
    });
    const role = new Role(this, 'Role', {
      description: 'Role of API Gateway for its logs.',
      assumedBy: new ServicePrincipal('apigateway.amazonaws.com'),
      permissionsBoundary: boundary,
      inlinePolicies: { logs: new PolicyDocument({ statements: [statement()] }) },
    });
    new CfnAccount(this, 'Account', { cloudWatchRoleArn: role.roleArn });
    suppressFindings(this, { system: system.name, functions: [] });
  }
}
