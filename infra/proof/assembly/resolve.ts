import { ZONE_TAG, ZONE_TAGGED } from '../../declaration/names.ts';
import { resolveValue, type Scope } from './intrinsics.ts';
import { type JsonObject, listOf, objectOf, stringOf } from './json.ts';
import { type Identity, identify } from './physical.ts';
import type { Assembly, AssemblyStack } from './read-assembly.ts';
import { unknownValue } from './unknown.ts';

/** A resource of a template with its intrinsics resolved. */
export interface ResolvedResource {
  stack: string;
  logicalId: string;
  type: string;
  properties: JsonObject;
  /** What Ref gives: a name, id, ARN or URL, as the type has it. An `unknownValue` for a type without an entry in physical.ts. */
  physicalId: string;
  arn: string | undefined;
  /** Everything that other resources may name it by: id, ARN, attributes. */
  names: readonly string[];
  /** The zone that {@link ZONE_TAG} says of its stack; undefined where no resource of the stack is tagged, or two differ. */
  zone: string | undefined;
  /** Construct path, or `<stack>/<logical id>` where the assembly has none. */
  constructPath: string;
  account: string;
  region: string;
  /** Where the code of a function or layer lies. */
  assetPath: string | undefined;
  /** False where a condition decides whether the resource exists: no declaration yields one, so none is worked out. */
  certain: boolean;
  /** As the template has it, for what is beside the properties (DependsOn, DeletionPolicy). */
  definition: JsonObject;
}

/** A stack, resolved. */
export interface ResolvedStack {
  name: string;
  /** See {@link ResolvedResource}. */
  zone: string | undefined;
  account: string;
  region: string;
  template: JsonObject;
  /** What is beside the resources in the template, resolved. */
  sections: unknown;
  /** As {@link AssemblyStack}. */
  deployment: JsonObject | undefined;
  /** ARN of the role that CloudFormation deploys it with; undefined where that is left to who deploys. */
  executionRole: string | undefined;
}

/** A cloud assembly with the intrinsics of all its stacks resolved. */
export interface ResolvedAssembly {
  /** Account and region that environment-agnostic stacks were given. */
  account: string;
  region: string;
  stacks: readonly ResolvedStack[];
  resources: readonly ResolvedResource[];
}

/** Account and region of stacks without their own (default: those of the first stack that has some, else `000000000000` and `eu-north-1`). */
export interface ResolveOptions {
  account?: string;
  region?: string;
}

/**
 * Resolves every resource of every stack. What a deploy would make up (ids, ARNs) gets a stable made-up
 * value; what nobody can know (a parameter, whatever its default) stays an `unknownValue`, and whether a resource
 * under a condition exists is not certain.
 */
export function resolveAssembly({ stacks }: Assembly, options: ResolveOptions = {}): ResolvedAssembly {
  // Whoever deploys may do so where another stack says that it is.
  const { account: first = '000000000000' } = stacks.find((stack) => stack.account) ?? {};
  const { region: nearest = 'eu-north-1' } = stacks.find((stack) => stack.region) ?? {};
  const place = { account: first, region: nearest, ...options };
  const opened: OpenStack[] = [];
  for (const stack of stacks) {
    const { account = place.account, region = place.region } = stack;
    opened.push(openStack({ ...stack, account, region, saysRegion: stack.region !== undefined }, opened));
  }
  const untagged = opened.flatMap(resourcesOf);
  const zones = zonesOfStacks(untagged);
  return {
    ...place,
    stacks: opened.map(({ name, account, region, template, deployment, scope }) => ({
      name,
      account,
      region,
      template,
      deployment,
      zone: zones.get(name),
      sections: resolveValue({ ...template, Resources: {} }, scope),
      executionRole: stringOf(resolveValue({ 'Fn::Sub': deployment?.cloudFormationExecutionRoleArn }, scope)),
    })),
    resources: untagged.map((resource) => ({ ...resource, zone: zones.get(resource.stack) })),
  };
}

/** The zone of each stack, by the tags of what anchors one. A stack whose tags differ has none, so that every rule about zones asks why. */
function zonesOfStacks(resources: readonly Untagged[]): ReadonlyMap<string, string> {
  const zones = new Map<string, Set<string>>();
  for (const { stack, type, properties } of resources) {
    const zone = ZONE_TAGGED.includes(type) ? tagsOf(properties.Tags).get(ZONE_TAG) : undefined;
    if (zone !== undefined) zones.set(stack, (zones.get(stack) ?? new Set()).add(zone));
  }
  const single = [...zones].filter(([, found]) => found.size === 1);
  return new Map(single.map(([stack, [zone = '']]) => [stack, zone]));
}

/** CloudFormation's list of tags, by lower-case key. */
export function tagsOf(tags: unknown): Map<string, string> {
  return new Map(
    listOf(tags).map((tag) => {
      const { Key: key, Value: value } = objectOf(tag);
      return [String(key).toLowerCase(), String(value)];
    }),
  );
}

/** The resource with an ARN, if the templates have it. */
export function resourceByArn({ resources }: ResolvedAssembly, arn: unknown): ResolvedResource | undefined {
  return resources.find((one) => one.arn !== undefined && one.arn === arn);
}

/** The resources of one type. */
export function resourcesOfType(assembly: ResolvedAssembly, type: string): ResolvedResource[] {
  return assembly.resources.filter((resource) => resource.type === type);
}

type Untagged = Omit<ResolvedResource, 'zone'>;

/** A stack with what its intrinsics look up. */
interface OpenStack extends AssemblyStack {
  account: string;
  region: string;
  saysRegion: boolean;
  scope: Scope;
  identity(logicalId: string): Identity | undefined;
}

function openStack(stack: Omit<OpenStack, 'scope' | 'identity'>, all: readonly OpenStack[]): OpenStack {
  const { template, name, account, region, saysRegion } = stack;
  const resources = objectOf(template.Resources);
  const unknown = (what: string) => unknownValue(`${name}: ${what}`);
  const pseudo: Readonly<Record<string, string>> = {
    'AWS::AccountId': account,
    'AWS::Region': region,
    'AWS::Partition': 'aws',
    'AWS::URLSuffix': 'amazonaws.com',
    'AWS::StackName': name,
    'AWS::StackId': `arn:aws:cloudformation:${region}:${account}:stack/${name}/00000000-0000-0000-0000-000000000000`,
  };
  const property = (logicalId: string) => (of: string) =>
    stringOf(resolveValue(objectOf(objectOf(resources[logicalId]).Properties)[of], scope));
  const identity = remembered((logicalId: string) => {
    const place = { account, region, stack: name, logicalId };
    return identify(String(objectOf(resources[logicalId]).Type), place, property(logicalId));
  });
  // Whether a stack that names no region is in the one of another, nobody knows.
  const stacksIn = (where: string) =>
    all.filter((one) => one.account === account && one.region === where && one.saysRegion === saysRegion);
  const scope: Scope = {
    stack: name,
    ref: (id) =>
      (Object.hasOwn(resources, id) ? identity(id)?.ref : stringOf(pseudo[id])) ?? unknown(`Ref ${id}`),
    attribute: (id, attribute) =>
      stringOf(identity(id)?.attributes[attribute]) ??
      // Of a type that is not known, such as a custom resource, an attribute may be called as a property is and be another thing.
      (identity(id) && property(id)(attribute)) ??
      unknown(`GetAtt ${id}.${attribute}`),
    mapped: (map, [first, second]) => objectOf(objectOf(objectOf(template.Mappings)[map])[first])[second],
    importValue: (wanted) => {
      for (const { template: of, scope: there } of stacksIn(region))
        for (const { Export, Value, Condition } of Object.values(objectOf(of.Outputs)).map(objectOf))
          if (resolveValue(objectOf(Export).Name, there) === wanted)
            // Where a condition leaves it out, another stack may have it.
            return Condition === undefined ? resolveValue(Value, there) : undefined;
      return undefined;
    },
    stackOutput: (other, output, where = region) => {
      const found = stacksIn(where).find((one) => one.name === other);
      const { Value, Condition } = objectOf(objectOf(found?.template.Outputs)[output]);
      return found && Condition === undefined ? resolveValue(Value, found.scope) : undefined;
    },
  };
  return { ...stack, scope, identity };
}

function resourcesOf(stack: OpenStack): Untagged[] {
  const { scope, identity, name, account, region, template } = stack;
  return Object.entries(objectOf(template.Resources)).map(([logicalId, value]) => {
    const definition = objectOf(value);
    const properties = objectOf(resolveValue(objectOf(definition.Properties), scope));
    const code = objectOf(properties.Code ?? properties.Content);
    const { ref, arn, attributes = {} } = identity(logicalId) ?? {};
    return {
      stack: name,
      account,
      region,
      logicalId,
      type: String(definition.Type),
      properties,
      definition,
      arn,
      physicalId: ref ?? unknownValue(`${name}: Ref ${logicalId}`),
      names: [ref ?? '', arn ?? '', ...Object.values(attributes)].filter(Boolean),
      constructPath: stack.constructPaths.get(logicalId) ?? `${name}/${logicalId}`,
      assetPath: stack.assets.get(String(code.S3Key)),
      certain: definition.Condition === undefined,
    };
  });
}

/** `compute`, called once a key; a key that asks for itself while it is computed gets undefined. */
function remembered<Value>(compute: (key: string) => Value | undefined): (key: string) => Value | undefined {
  const known = new Map<string, Value | undefined>();
  return (key) => {
    if (!known.has(key)) {
      known.set(key, undefined);
      known.set(key, compute(key));
    }
    return known.get(key);
  };
}
