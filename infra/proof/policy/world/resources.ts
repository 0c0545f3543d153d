import { type JsonObject, listOf, objectOf, stringOf, stringsOf } from '../../assembly/json.ts';
import { type ResolvedAssembly, type ResolvedResource, tagsOf } from '../../assembly/resolve.ts';
import { type Policy, parsePolicy } from '../statement.ts';
import type { Resource } from './world.ts';

/** Every resource with an ARN but the roles, with the policies that the templates attach to it. */
export function resourcesOf(assembly: ResolvedAssembly): Map<string, Resource> {
  const policies = policiesByTarget(assembly);
  const found = assembly.resources.flatMap((resource): [string, Resource][] => {
    const { arn } = resource;
    if (arn === undefined || resource.type === 'AWS::IAM::Role') return [];
    const own = OWN_POLICIES[resource.type]?.(resource.properties);
    const name = resource.constructPath;
    const inline =
      own === undefined ? [] : [parsePolicy(`policy of ${name}`, own, { certain: resource.certain })];
    const attached = [resource.physicalId, arn].flatMap(
      (target) => policies.get(`${resource.account}/${target}`) ?? [],
    );
    const { account } = resource;
    return [
      [
        arn,
        {
          arn,
          account,
          policies: [...new Set([...inline, ...attached])],
          tags: tagsOf(resource.properties.Tags),
        },
      ],
    ];
  });
  return new Map(found);
}

/** Resource policies that are a property of the resource; that of an API may only deny, says routes-are-authorized, and no rule asks who may call one. */
const OWN_POLICIES: Readonly<Record<string, (properties: JsonObject) => unknown>> = {
  'AWS::KMS::Key': ({ KeyPolicy: policy }) => policy,
  'AWS::Events::EventBus': ({ Policy: policy }) => policy,
  'AWS::DynamoDB::Table': ({ ResourcePolicy: policy }) =>
    policy === undefined ? undefined : objectOf(policy).PolicyDocument,
};

/** Resource policies that are resources of their own: the properties with what they are attached to, and the document. */
const ATTACHED_POLICIES: Readonly<Record<string, readonly [targets: string, document: string]>> = {
  'AWS::SecretsManager::ResourcePolicy': ['SecretId', 'ResourcePolicy'],
  'AWS::SQS::QueuePolicy': ['Queues', 'PolicyDocument'],
  'AWS::SQS::QueueInlinePolicy': ['Queue', 'PolicyDocument'],
  'AWS::SNS::TopicPolicy': ['Topics', 'PolicyDocument'],
  'AWS::SNS::TopicInlinePolicy': ['TopicArn', 'PolicyDocument'],
  'AWS::S3::BucketPolicy': ['Bucket', 'PolicyDocument'],
  // Of functions; one of a version or an alias is a finding, and decides nothing here.
  'AWS::Lambda::ResourcePolicy': ['ResourceArn', 'PolicyDocument'],
};

interface AttachedPolicy {
  targets: readonly string[];
  document: unknown;
}

function attachedPolicy(resource: ResolvedResource): AttachedPolicy | undefined {
  const { type, properties } = resource;
  if (type === 'AWS::Lambda::Permission') {
    const { target, statement } = lambdaStatement(resource);
    return { targets: [target], document: oneStatement(statement) };
  }
  if (type === 'AWS::Events::EventBusPolicy') {
    const bus = stringOf(properties.EventBusName) ?? 'default';
    return { targets: [bus], document: properties.Statement && oneStatement(properties.Statement) };
  }
  const [targets, document] = ATTACHED_POLICIES[type] ?? [];
  return targets === undefined || document === undefined
    ? undefined
    : { targets: stringsOf(properties[targets]), document: properties[document] };
}

function policiesByTarget(assembly: ResolvedAssembly): Map<string, Policy[]> {
  const policies = new Map<string, Policy[]>();
  for (const resource of assembly.resources) {
    const attached = attachedPolicy(resource);
    if (attached === undefined) continue;
    const policy = parsePolicy(resource.constructPath, attached.document, { certain: resource.certain });
    for (const target of attached.targets) {
      const key = `${resource.account}/${target}`;
      policies.set(key, [...(policies.get(key) ?? []), policy]);
    }
  }
  return policies;
}

function oneStatement(statement: unknown): JsonObject {
  return { Version: '2012-10-17', Statement: listOf(statement) };
}

/**
 * The statement that an `AWS::Lambda::Permission` adds to the policy of its function, and the function. A
 * permission for a version or alias covers that one only; one for the bare function covers the unqualified
 * ARN only.
 */
function lambdaStatement({ properties, account, region, logicalId }: ResolvedResource): {
  target: string;
  statement: JsonObject;
} {
  const named = stringOf(properties.FunctionName) ?? '';
  const arn = named.startsWith('arn:') ? named : `arn:aws:lambda:${region}:${account}:function:${named}`;
  const statement = {
    Sid: logicalId,
    Effect: 'Allow',
    Action: properties.Action,
    Principal: permissionPrincipal(properties.Principal),
    Resource: arn,
    Condition: permissionCondition(properties),
  };
  return { target: arn.split(':').slice(0, 7).join(':'), statement };
}

/** A service's name, an account, an ARN or everybody. */
function permissionPrincipal(principal: unknown): unknown {
  if (principal === '*') return '*';
  const isService = typeof principal === 'string' && principal.includes('.') && !principal.startsWith('arn:');
  return isService ? { Service: principal } : { AWS: principal };
}

/** Of what narrows a permission, the account and the source; other properties are none that are understood. */
function permissionCondition({ SourceAccount: account, SourceArn: source }: JsonObject): JsonObject {
  return {
    ...(account === undefined ? {} : { StringEquals: { 'aws:SourceAccount': account } }),
    ...(source === undefined ? {} : { ArnLike: { 'aws:SourceArn': source } }),
  };
}
