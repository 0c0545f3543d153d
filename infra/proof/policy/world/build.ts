import { type JsonObject, listOf, objectOf, stringOf, stringsOf } from '../../assembly/json.ts';
import { readEndpoints, type VpcEndpoint } from '../../assembly/network.ts';
import { functionArn } from '../../assembly/physical.ts';
import type { ResolvedAssembly, ResolvedResource } from '../../assembly/resolve.ts';
import { resourcesOfType, tagsOf } from '../../assembly/resolve.ts';
import { policiesOf, type TemplatePolicy } from '../../assembly/roles.ts';
import { comesThrough } from '../endpoint.ts';
import { type Policy, parsePolicy } from '../statement.ts';
import { virtualKeys } from './virtual-keys.ts';
import type { Endpoint, Resource, Role, World } from './world.ts';

/**
 * Everything in the assembly that decides who may do what: roles, resource policies, endpoints, and
 * a stand-in for the keys that rotation makes.
 */
export function buildWorld(assembly: ResolvedAssembly): World {
  const { account, region } = assembly;
  const roles = resourcesOfType(assembly, 'AWS::IAM::Role').map((role) => roleOf(role, assembly));
  const resources: Resource[] = [...resourcesOf(assembly), ...virtualKeys(assembly)];
  const endpoints = readEndpoints(assembly).map(endpointOf);
  return {
    account,
    region,
    roles: new Map(roles.map((role) => [role.arn, role])),
    resources: new Map(resources.map((resource) => [resource.arn, resource])),
    endpoints: new Map(endpoints.map((endpoint) => [endpoint.id, endpoint])),
  };
}

function endpointOf({ id, vpc, service, kind, resource }: VpcEndpoint): Endpoint {
  const { properties, constructPath, certain } = resource;
  const { PolicyDocument: document } = properties;
  const name = `policy of endpoint ${constructPath}`;
  const policy = document === undefined ? undefined : parsePolicy(name, document, certain);
  return { id, vpc, service, kind, constructPath, through: comesThrough(id), policy };
}

/** A role, with the identity policies, boundary and trust policy that the templates give it. */
function roleOf(resource: ResolvedResource, assembly: ResolvedAssembly): Role {
  const { properties, account, physicalId, constructPath } = resource;
  const { identity, boundary, boundaryArn, foreign } = policiesOf(resource, assembly);
  const unread = boundaryArn === undefined ? undefined : awsManagedPolicy(boundaryArn);
  const parse = ({ name, document, certain }: TemplatePolicy) => parsePolicy(name, document, certain);
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
  const statement = { Sid: 'AwsManaged', Effect: 'Allow', Action, Resource: '*' };
  return parsePolicy(arn, Action && documentOf(statement));
}

/** Every resource with an ARN but the roles, with the policies that the templates attach to it. */
function resourcesOf(assembly: ResolvedAssembly): Resource[] {
  const attached = assembly.resources.flatMap((resource) => {
    const { type, account, constructPath, certain } = resource;
    const found = ATTACHED_POLICIES[type]?.(resource);
    if (found === undefined) return [];
    const parse = (alone: boolean) => parsePolicy(constructPath, found.document, certain && alone);
    const isPut = !ADD_UP.includes(type);
    return stringsOf(found.targets).map((target) => ({ parse, isPut, target: `${account}/${target}` }));
  });
  const byTarget = Map.groupBy(attached, ({ target }) => target);
  return assembly.resources.flatMap((resource): Resource[] => {
    const { arn, type, account, certain, physicalId, properties } = resource;
    if (arn === undefined || type === 'AWS::IAM::Role') return [];
    const own = OWN_POLICIES[type]?.(properties);
    const name = `policy of ${resource.constructPath}`;
    const found = new Set([physicalId, arn].flatMap((target) => byTarget.get(`${account}/${target}`) ?? []));
    const several = [...found].filter(({ isPut }) => isPut).length > 1;
    const policies = [
      ...(own === undefined ? [] : [parsePolicy(name, own, certain)]),
      ...[...found].map(({ parse, isPut }) => parse(!(isPut && several))),
    ];
    return [{ arn, account, policies, tags: tagsOf(properties.Tags) }];
  });
}

/** Resource policies that are a property of the resource; that of an API may only deny, says routes-are-authorized, and no rule asks who may call one. */
const OWN_POLICIES: Readonly<Record<string, (properties: JsonObject) => unknown>> = {
  'AWS::KMS::Key': ({ KeyPolicy: policy }) => policy,
  'AWS::Events::EventBus': ({ Policy: policy }) => policy,
  'AWS::DynamoDB::Table': ({ ResourcePolicy: policy }) => policy && objectOf(policy).PolicyDocument,
};

type Attached = (resource: ResolvedResource) => { targets: unknown; document: unknown };

const attachedBy =
  (targets: string, document = 'PolicyDocument'): Attached =>
  ({ properties }) => ({ targets: properties[targets], document: properties[document] });

/** Of these a resource may have several; of others it has the last that is put, and what another one denies may be gone. */
const ADD_UP = ['AWS::Lambda::Permission', 'AWS::Events::EventBusPolicy'];

/** Resource policies that are resources of their own: what they are attached to, and the document. */
const ATTACHED_POLICIES: Readonly<Record<string, Attached>> = {
  'AWS::SecretsManager::ResourcePolicy': attachedBy('SecretId', 'ResourcePolicy'),
  'AWS::SQS::QueuePolicy': attachedBy('Queues'),
  'AWS::SQS::QueueInlinePolicy': attachedBy('Queue'),
  'AWS::SNS::TopicPolicy': attachedBy('Topics'),
  'AWS::SNS::TopicInlinePolicy': attachedBy('TopicArn'),
  'AWS::S3::BucketPolicy': attachedBy('Bucket'),
  // Of functions; one of a version or an alias is a finding, and decides nothing here.
  'AWS::Lambda::ResourcePolicy': attachedBy('ResourceArn'),
  'AWS::Lambda::Permission': lambdaPermission,
  'AWS::Events::EventBusPolicy': ({ properties: { EventBusName = 'default', Statement } }) => ({
    targets: EventBusName,
    document: Statement && documentOf(Statement),
  }),
};

function documentOf(statement: unknown): JsonObject {
  return { Version: '2012-10-17', Statement: listOf(statement) };
}

/**
 * The statement that a permission adds to the policy of its function. One for a version or alias covers that one only; one for the bare
 * function covers the unqualified ARN only. Of what narrows it, the account and the source are understood, and no other property.
 */
function lambdaPermission(permission: ResolvedResource) {
  const { properties, logicalId } = permission;
  const { Action, Principal: principal, SourceAccount, SourceArn } = properties;
  const arn = functionArn(permission, stringOf(properties.FunctionName) ?? '');
  // A service's name, an account, an ARN or everybody.
  const isService = typeof principal === 'string' && principal.includes('.') && !principal.startsWith('arn:');
  const Principal = principal === '*' ? '*' : { [isService ? 'Service' : 'AWS']: principal };
  const Condition = {
    ...(SourceAccount === undefined ? {} : { StringEquals: { 'aws:SourceAccount': SourceAccount } }),
    ...(SourceArn === undefined ? {} : { ArnLike: { 'aws:SourceArn': SourceArn } }),
  };
  const statement = { Sid: logicalId, Effect: 'Allow', Action, Principal, Resource: arn, Condition };
  return { targets: arn.split(':').slice(0, 7).join(':'), document: documentOf(statement) };
}
