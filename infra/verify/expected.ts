import { type JsonObject, listOf, objectOf, stringOf } from '../proof/assembly/json.ts';
import type { ResolvedAssembly, ResolvedResource } from '../proof/assembly/resolve.ts';
import { hasUnknown } from '../proof/assembly/unknown.ts';
import { KINDS } from './read-network.ts';

/** A resource as it should be found. */
export interface Expected {
  stack: string;
  type: string;
  constructPath: string;
  /** What CloudFormation says that it is called; undefined where the deployed stack has none. */
  id: string | undefined;
  /** With `DeployedAt`, when CloudFormation was done with it. */
  properties: JsonObject;
}

/**
 * The resources of an assembly with the ids of the deploy, by what CloudFormation says of each (`madeOf`). What adds to another resource
 * (a route, a permission, a policy of a queue, whatever stands in a network) is expected there too: {@link ADDS}. `liveName` puts the
 * ids of the deploy in place of those that the assembly was resolved with, where they stand on their own.
 */
export function expectedResources(
  { resources }: ResolvedAssembly,
  madeOf: (resource: ResolvedResource) => JsonObject | undefined,
): { all: Expected[]; liveName: (text: string) => string } {
  const idOf = (resource: ResolvedResource) => stringOf(madeOf(resource)?.PhysicalResourceId);
  const known = resources.filter((of) => idOf(of) !== undefined && !hasUnknown(of.physicalId));
  const ids = new Map(known.map((of) => [of.physicalId, idOf(of)]));
  const longestFirst = [...ids.keys()].sort((a, b) => b.length - a.length);
  const escaped = longestFirst.map((id) => id.replaceAll(/[^\w-]/g, '\\$&'));
  const anyId = new RegExp(`(?<![\\w-])(?:${escaped.join('|') || '$.'})(?![\\w-])`, 'g');
  const liveName = (text: string) => text.replaceAll(anyId, (id) => ids.get(id) ?? id);
  const replace = (_: string, value: unknown) => (typeof value === 'string' ? liveName(value) : value);
  const all = resources.map((resource) => ({
    stack: resource.stack,
    type: resource.type,
    constructPath: resource.constructPath,
    id: idOf(resource),
    properties: {
      ...objectOf(JSON.parse(JSON.stringify(resource.properties), replace)),
      DeployedAt: madeOf(resource)?.LastUpdatedTimestamp,
    },
  }));
  return { all: all.map((of) => ({ ...of, properties: withAdditions(of, all) })), liveName };
}

/** Elements of a list, or members: of the properties of what adds, without the one that names the other. */
type Value = (properties: JsonObject, of: Expected, all: readonly Expected[]) => unknown;

/** What a type adds to another: to which, named by which of its properties (else the one in its stack), as which property, what. */
const adds = (to: string, by: string, as: string, value: Value = (of) => [of]) => ({ to, by, as, value });

const itsId: Value = (_, { id }) => [id];
const itsPolicy: Value = ({ PolicyDocument }) => PolicyDocument;
const itsRotation: Value = ({ RotateImmediatelyOnUpdate: _, ...of }) => of;
const itsMethod: Value = ({ ResourceId, HttpMethod, ...of }, _, all) => ({
  [`${HttpMethod} ${pathOf(ResourceId, all)}`]: of,
});
const itsResponse: Value = ({ ResponseType, ...of }) => ({ [String(ResponseType)]: of });

const API = 'AWS::ApiGateway::RestApi';
const FUNCTION = 'AWS::Lambda::Function';
const GROUP = 'AWS::EC2::SecurityGroup';
const ROUTES = 'AWS::EC2::RouteTable';
const SECRET = 'AWS::SecretsManager::Secret';
const VPC = 'AWS::EC2::VPC';

const inVpc = Object.entries(KINDS).flatMap(([type, [, , as]]) =>
  as === undefined ? [] : [[type, adds(VPC, '', as, itsId)]],
);

/**
 * What types add to others that are nothing by themselves, and are not read for themselves. The last add nothing, and decide nothing:
 * docs/deploying.md says that what is for people is not compared.
 */
export const ADD_ONLY: Readonly<Record<string, ReturnType<typeof adds>>> = {
  'AWS::EC2::VPCGatewayAttachment': adds(VPC, '', 'VpnGateways', (of) => listOf(of.VpnGatewayId)),
  'AWS::EC2::Route': adds(ROUTES, 'RouteTableId', 'Routes'),
  'AWS::EC2::SubnetRouteTableAssociation': adds(ROUTES, 'RouteTableId', 'Subnets', (of) => [of.SubnetId]),
  'AWS::EC2::SecurityGroupIngress': adds(GROUP, 'GroupId', 'SecurityGroupIngress'),
  'AWS::EC2::SecurityGroupEgress': adds(GROUP, 'GroupId', 'SecurityGroupEgress'),
  'AWS::Lambda::Permission': adds(FUNCTION, 'FunctionName', 'Permissions', (of) => [permission(of)]),
  'AWS::Logs::SubscriptionFilter': adds('AWS::Logs::LogGroup', 'LogGroupName', 'SubscriptionFilters'),
  'AWS::SQS::QueuePolicy': adds('AWS::SQS::Queue', 'Queues', 'Policy', itsPolicy),
  'AWS::SNS::TopicPolicy': adds('AWS::SNS::Topic', 'Topics', 'Policy', itsPolicy),
  'AWS::SecretsManager::RotationSchedule': adds(SECRET, 'SecretId', 'Rotation', itsRotation),
  'AWS::ApiGateway::Method': adds(API, 'RestApiId', 'Methods', itsMethod),
  'AWS::ApiGateway::GatewayResponse': adds(API, 'RestApiId', 'GatewayResponses', itsResponse),
  'AWS::ApiGateway::Resource': adds('', '', ''),
  'AWS::CloudWatch::Dashboard': adds('', '', ''),
  'AWS::Logs::QueryDefinition': adds('', '', ''),
};

/** What types add to others, those that are read for themselves too. */
const ADDS: typeof ADD_ONLY = {
  ...ADD_ONLY,
  ...Object.fromEntries(inVpc),
  [FUNCTION]: adds(VPC, '', 'Functions', ({ VpcConfig }, { id }) => (VpcConfig ? [id] : [])),
  'AWS::Lambda::ResourcePolicy': adds(FUNCTION, 'ResourceArn', 'OwnPolicy', itsId),
  'AWS::Lambda::EventSourceMapping': adds(FUNCTION, 'FunctionName', 'EventSourceMappings', itsId),
  'AWS::Events::Rule': adds('AWS::Events::EventBus', 'EventBusName', 'Rules', (_, { id }) => [
    id?.split('|').at(-1),
  ]),
  'AWS::ApiGateway::Stage': adds(API, 'RestApiId', 'Stages', itsId),
};

/** What a resource has with everything that the others add. */
function withAdditions(of: Expected, all: readonly Expected[]): JsonObject {
  const properties: Record<string, unknown> = { ...of.properties };
  for (const other of all) {
    const { to, by, as, value } = ADDS[other.type] ?? adds('', '', '');
    if (to !== of.type || other.id === undefined) continue;
    const { [by]: named, Description: _, DeployedAt: __, ...rest } = other.properties;
    // Of Lambda's it may be the ARN.
    const isNamed = (id: unknown) => id === of.id || String(id).endsWith(`:function:${of.id}`);
    if (by === '' ? other.stack !== of.stack : !listOf(named).some(isNamed)) continue;
    const added = value(rest, other, all);
    properties[as] = Array.isArray(added)
      ? [...listOf(properties[as]), ...added]
      : { ...objectOf(properties[as]), ...objectOf(added) };
  }
  return properties;
}

/** The path of an API's resource, from the parts of it and those above. */
function pathOf(id: unknown, all: readonly Expected[]): string {
  const found = all.find((other) => other.type === 'AWS::ApiGateway::Resource' && other.id === id);
  if (found === undefined) return '/';
  const { ParentId, PathPart } = found.properties;
  return `${pathOf(ParentId, all).replace(/\/$/, '')}/${PathPart}`;
}

/** The statement that Lambda makes of a permission, without the function's own ARN. */
function permission({ Action, Principal, SourceArn, SourceAccount, ...more }: JsonObject): JsonObject {
  const Condition = {
    ...(SourceArn === undefined ? {} : { ArnLike: { 'AWS:SourceArn': SourceArn } }),
    ...(SourceAccount === undefined ? {} : { StringEquals: { 'AWS:SourceAccount': SourceAccount } }),
  };
  const kind = String(Principal).endsWith('.amazonaws.com') ? 'Service' : 'AWS';
  return { Statement: { Effect: 'Allow', Principal: { [kind]: Principal }, Action, Condition, ...more } };
}
