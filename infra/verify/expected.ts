import { isObject, type JsonObject, listOf, objectOf, stringsOf } from '../proof/assembly/json.ts';
import type { ResolvedAssembly, ResolvedResource } from '../proof/assembly/resolve.ts';
import { hasUnknown } from '../proof/assembly/unknown.ts';

/** A resource as it should be found. */
export interface Expected {
  stack: string;
  type: string;
  constructPath: string;
  /** What CloudFormation says that it is called; undefined where the deployed stack has none. */
  id: string | undefined;
  properties: JsonObject;
}

/** Puts the ids that the deploy made (`idOf`) in place of those that the assembly was resolved with, where they stand on their own. */
export function liveNames(
  { resources }: ResolvedAssembly,
  idOf: (resource: ResolvedResource) => string | undefined,
): (text: string) => string {
  const made = new Map(
    resources.flatMap((resource): [string, string][] => {
      const id = idOf(resource);
      return id === undefined || hasUnknown(resource.physicalId) ? [] : [[resource.physicalId, id]];
    }),
  );
  const longestFirst = [...made.keys()].sort((a, b) => b.length - a.length);
  const escaped = longestFirst.map((id) => id.replaceAll(/[^\w-]/g, '\\$&'));
  const anyId = new RegExp(`(?<![\\w-])(?:${escaped.join('|') || '$.'})(?![\\w-])`, 'g');
  return (text) => text.replaceAll(anyId, (id) => made.get(id) ?? id);
}

/**
 * The resources of an assembly with the ids of the deploy. What only adds to another resource (a route, a permission, a policy of a
 * queue) stands in that resource, which is where it is found.
 */
export function expectedResources(
  assembly: ResolvedAssembly,
  idOf: (resource: ResolvedResource) => string | undefined,
  liveName = liveNames(assembly, idOf),
): Expected[] {
  const replace = (value: unknown): unknown => {
    if (typeof value === 'string') return liveName(value);
    if (Array.isArray(value)) return value.map(replace);
    if (!isObject(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, replace(item)]));
  };
  const all = assembly.resources.map((resource) => ({
    ...{ stack: resource.stack, type: resource.type, constructPath: resource.constructPath },
    ...{ id: idOf(resource), properties: objectOf(replace(resource.properties)) },
  }));
  return withAdditions(all);
}

/** Whether a type is read as a part of another alone. */
export function onlyAdds(type: string): boolean {
  return type in ADDS;
}

/** What a resource adds: to a type, to those of these ids (Lambda's may be ARNs), as a property, what. */
interface Addition {
  to: string;
  ids: readonly unknown[];
  as: string;
  /** Members, or an element of a list. */
  value: unknown;
}

type Adds = (resource: Expected, all: readonly Expected[]) => Addition[];

/** Everything of the resource but where it belongs, as an element of a list there. */
const element =
  (type: string, by: string, as: string): Adds =>
  ({ properties: { [by]: parent, Description: _, ...value } }) => [
    { to: type, ids: [parent], as, value: [value] },
  ];

/** Members of an API, by name. */
const ofApi = (as: string, value: JsonObject, { RestApiId }: JsonObject): Addition => ({
  ...{ to: 'AWS::ApiGateway::RestApi', ids: [RestApiId], as, value },
});

/** The types that only add to others. */
const ADDS: Readonly<Record<string, Adds>> = {
  'AWS::EC2::VPCGatewayAttachment': () => [],
  'AWS::EC2::Route': element('AWS::EC2::RouteTable', 'RouteTableId', 'Routes'),
  'AWS::EC2::SubnetRouteTableAssociation': ({ properties: { RouteTableId, SubnetId } }) => [
    { to: 'AWS::EC2::RouteTable', ids: [RouteTableId], as: 'Subnets', value: [SubnetId] },
  ],
  'AWS::EC2::SecurityGroupIngress': element('AWS::EC2::SecurityGroup', 'GroupId', 'SecurityGroupIngress'),
  'AWS::EC2::SecurityGroupEgress': element('AWS::EC2::SecurityGroup', 'GroupId', 'SecurityGroupEgress'),
  'AWS::Lambda::Permission': ({ properties: { FunctionName, ...of } }) => [
    { to: 'AWS::Lambda::Function', ids: [FunctionName], as: 'Permissions', value: [permission(of)] },
  ],
  'AWS::SQS::QueuePolicy': ({ properties: { Queues, PolicyDocument } }) => [
    { to: 'AWS::SQS::Queue', ids: stringsOf(Queues), as: 'Policy', value: PolicyDocument },
  ],
  'AWS::SNS::TopicPolicy': ({ properties: { Topics, PolicyDocument } }) => [
    { to: 'AWS::SNS::Topic', ids: stringsOf(Topics), as: 'Policy', value: PolicyDocument },
  ],
  'AWS::SecretsManager::RotationSchedule': ({
    properties: { SecretId, RotateImmediatelyOnUpdate: _, ...value },
  }) => [{ to: 'AWS::SecretsManager::Secret', ids: [SecretId], as: 'Rotation', value }],
  'AWS::ApiGateway::Resource': () => [],
  'AWS::ApiGateway::Method': ({ properties: { ResourceId, HttpMethod, RestApiId, ...of } }, all) => [
    ofApi('Methods', { [`${HttpMethod} ${pathOf(ResourceId, all)}`]: of }, { RestApiId }),
  ],
  'AWS::ApiGateway::GatewayResponse': ({ properties: { ResponseType, RestApiId, ...of } }) => [
    ofApi('GatewayResponses', { [String(ResponseType)]: of }, { RestApiId }),
  ],
};

function withAdditions(all: readonly Expected[]): Expected[] {
  const additions = all.flatMap((of) => (of.id === undefined ? [] : (ADDS[of.type]?.(of, all) ?? [])));
  return all.map((of) => {
    const properties: Record<string, unknown> = { ...of.properties };
    for (const { to, ids, as, value } of additions)
      if (to === of.type && ids.some((id) => id === of.id || String(id).endsWith(`:function:${of.id}`)))
        properties[as] = Array.isArray(value)
          ? [...listOf(properties[as]), ...value]
          : { ...objectOf(properties[as]), ...objectOf(value) };
    return { ...of, properties };
  });
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
