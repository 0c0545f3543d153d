import { readEndpoints, type VpcEndpoint } from '../../assembly/network.ts';
import {
  type ResolvedAssembly,
  type ResolvedResource,
  resourcesOfType,
  tagsOf,
} from '../../assembly/resolve.ts';
import { policiesOf, type TemplatePolicy } from '../../assembly/roles.ts';
import { comesThrough } from '../endpoint.ts';
import { type Policy, parsePolicy } from '../statement.ts';
import { resourcesOf } from './resources.ts';
import { virtualKeys } from './virtual-keys.ts';
import { type Endpoint, emptyWorld, type Role, type World } from './world.ts';

/**
 * Everything in the assembly that decides who may do what: roles, resource policies, endpoints, and
 * a stand-in for the keys that rotation makes.
 */
export function buildWorld(assembly: ResolvedAssembly): World {
  const resources = resourcesOf(assembly);
  for (const key of virtualKeys(assembly)) resources.set(key.arn, key);
  const endpoints = readEndpoints(assembly).map(endpointOf);
  return emptyWorld({
    account: assembly.account,
    region: assembly.region,
    roles: rolesOf(assembly),
    resources,
    endpoints: new Map(endpoints.map((endpoint) => [endpoint.id, endpoint])),
  });
}

function endpointOf({ id, vpc, service, kind, resource }: VpcEndpoint): Endpoint {
  const { properties, constructPath, certain } = resource;
  const { PolicyDocument: document } = properties;
  const name = `policy of endpoint ${constructPath}`;
  return {
    ...{ id, vpc, service, kind, constructPath, through: comesThrough(id) },
    policy: document === undefined ? undefined : parsePolicy(name, document, { certain }),
  };
}

/** Every role of the assembly by ARN, with the identity policies, boundary and trust policy that the templates give it. */
function rolesOf(assembly: ResolvedAssembly): Map<string, Role> {
  const roles = resourcesOfType(assembly, 'AWS::IAM::Role').map((resource) => roleOf(resource, assembly));
  return new Map(roles.map((role) => [role.arn, role]));
}

function roleOf(resource: ResolvedResource, assembly: ResolvedAssembly): Role {
  const { properties, account, physicalId, constructPath } = resource;
  const { identity, boundary, boundaryArn, foreign } = policiesOf(resource, assembly);
  const unread = boundaryArn === undefined ? undefined : awsManagedPolicy(boundaryArn);
  return {
    arn: resource.arn ?? physicalId,
    account,
    identity: [...identity.map(parse), ...foreign.map(awsManagedPolicy)],
    boundary: boundary === undefined ? unread : parse(boundary),
    trust: parsePolicy(`trust policy of ${physicalId}`, properties.AssumeRolePolicyDocument),
    tags: tagsOf(properties.Tags),
    constructPath,
  };
}

function parse({ name, document, certain }: TemplatePolicy): Policy {
  return parsePolicy(name, document, { certain });
}

const NETWORK_INTERFACES =
  'ec2:AssignPrivateIpAddresses ec2:CreateNetworkInterface ec2:DeleteNetworkInterface ec2:DescribeNetworkInterfaces ec2:DescribeSubnets ec2:UnassignPrivateIpAddresses';
const LOGS = 'logs:CreateLogGroup logs:CreateLogStream logs:PutLogEvents';

/** The actions that AWS's own policies allow on every resource, by the end of their ARN (AWS managed policy reference). */
const ACTIONS: Readonly<Record<string, string>> = {
  AdministratorAccess: '*',
  AWSXRayDaemonWriteAccess:
    'xray:PutTraceSegments xray:PutTelemetryRecords xray:GetSamplingRules xray:GetSamplingTargets xray:GetSamplingStatisticSummaries',
  'service-role/AWSLambdaBasicExecutionRole': LOGS,
  'service-role/AWSLambdaVPCAccessExecutionRole': `${LOGS} ${NETWORK_INTERFACES}`,
  'service-role/AWSLambdaENIManagementAccess': NETWORK_INTERFACES,
  'service-role/AWSLambdaSQSQueueExecutionRole': `${LOGS} sqs:ReceiveMessage sqs:DeleteMessage sqs:GetQueueAttributes`,
  'service-role/AmazonAPIGatewayPushToCloudWatchLogs': `${LOGS} logs:DescribeLogGroups logs:DescribeLogStreams logs:GetLogEvents logs:FilterLogEvents`,
};

/** The actions that the AWS managed policy with this ARN allows; undefined where the table lacks it. */
export function awsManagedActions(arn: string): string[] | undefined {
  return ACTIONS[arn.replace(/^arn:[^:]*:iam::aws:policy\//, '')]?.split(' ');
}

/** The AWS managed policy with this ARN. One that the table lacks perhaps allows everything. */
function awsManagedPolicy(arn: string): Policy {
  const Action = awsManagedActions(arn);
  if (Action === undefined) return parsePolicy(arn, undefined);
  return parsePolicy(arn, {
    Version: '2012-10-17',
    Statement: [{ Sid: 'AwsManaged', Effect: 'Allow', Action, Resource: '*' }],
  });
}
