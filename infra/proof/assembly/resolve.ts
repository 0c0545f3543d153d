import { ZONE_TAG } from '../../declaration/names.ts';
import { resolveCondition, resolveValue, type Scope } from './intrinsics.ts';
import { isObject, type JsonObject, listOf, objectOf, stringOf } from './json.ts';
import { type Identity, identify, type Place } from './physical.ts';
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
  /** The zone that {@link ZONE_TAG} says of its stack; undefined where no resource of the stack is tagged, or two differ. */
  zone: string | undefined;
  /** Construct path, or `<stack>/<logical id>` where the assembly has none. */
  constructPath: string;
  account: string;
  region: string;
  /** Where the code of a function or layer lies. */
  assetPath: string | undefined;
  /** False where a condition that only the deploy knows decides whether the resource exists. */
  certain: boolean;
  /** As the template has it, for what is beside the properties (DependsOn, DeletionPolicy). */
  definition: JsonObject;
}

/** A stack, resolved. */
interface ResolvedStack {
  name: string;
  /** See {@link ResolvedResource}. */
  zone: string | undefined;
  account: string;
  region: string;
  outputs: JsonObject;
  template: JsonObject;
}

/** A cloud assembly with the intrinsics of all its stacks resolved. */
export interface ResolvedAssembly {
  directory: string;
  /** Account and region that environment-agnostic stacks were given. */
  account: string;
  region: string;
  stacks: readonly ResolvedStack[];
  resources: readonly ResolvedResource[];
}

/** What the templates leave open. */
export interface ResolveOptions {
  /** Of stacks without an account of their own (default `000000000000`). */
  account?: string;
  /** Of stacks without a region of their own (default `eu-north-1`). */
  region?: string;
  partition?: string;
  /** Values of template parameters; the others stay unknown, whatever their default. */
  parameters?: Readonly<Record<string, string>>;
}

/**
 * Resolves every resource of every stack. What a deploy would make up (ids, ARNs) gets a stable made-up
 * value; what nobody can know stays an `unknownValue`. Resources whose condition is false are left out.
 */
export function resolveAssembly(assembly: Assembly, options: ResolveOptions = {}): ResolvedAssembly {
  const account = options.account ?? '000000000000';
  const region = options.region ?? 'eu-north-1';
  const settings = { partition: 'aws', parameters: {}, ...options, account, region };
  const scopes: StackScope[] = [];
  const exported = remembered((place: string) =>
    exportsOf(scopes.filter((scope) => `${scope.account}/${scope.region}` === place)),
  );
  for (const stack of assembly.stacks) scopes.push(scopeOf(stack, settings, scopes, exported));
  const untagged = scopes.flatMap(resourcesOf);
  const zones = zonesOfStacks(untagged);
  const resources = untagged.map((resource) => ({ ...resource, zone: zones.get(resource.stack) }));
  return {
    directory: assembly.directory,
    account,
    region,
    stacks: scopes.map(({ name, account, region, template, scope }) => ({
      name,
      zone: zones.get(name),
      account,
      region,
      template,
      outputs: Object.fromEntries(
        Object.entries(objectOf(template.Outputs)).map(([id, output]) => [
          id,
          resolveValue(objectOf(output).Value, scope),
        ]),
      ),
    })),
    resources,
  };
}

/** The zone of each stack, by its tags. A stack whose tags differ has none, so that every rule about zones asks why. */
function zonesOfStacks(resources: readonly Untagged[]): ReadonlyMap<string, string> {
  const zones = new Map<string, Set<string>>();
  for (const { stack, properties } of resources) {
    const zone = tagsOf(properties.Tags).get(ZONE_TAG);
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

/** The resources of one type. */
export function resourcesOfType(assembly: ResolvedAssembly, type: string): ResolvedResource[] {
  return assembly.resources.filter((resource) => resource.type === type);
}

type Settings = Required<ResolveOptions>;

type Untagged = Omit<ResolvedResource, 'zone'>;

interface StackScope {
  name: string;
  account: string;
  region: string;
  template: JsonObject;
  stack: AssemblyStack;
  scope: Scope;
  identity(logicalId: string): Identity | undefined;
}

function scopeOf(
  stack: AssemblyStack,
  settings: Settings,
  all: readonly StackScope[],
  exported: (place: string) => ReadonlyMap<unknown, () => unknown> | undefined,
): StackScope {
  const { template, name } = stack;
  const { partition, parameters } = settings;
  const account = stack.account ?? settings.account;
  const region = stack.region ?? settings.region;
  const resources = objectOf(template.Resources);
  const unknown = (what: string) => unknownValue(`${name}: ${what}`);
  const pseudo: Readonly<Record<string, string>> = {
    'AWS::AccountId': account,
    'AWS::Region': region,
    'AWS::Partition': partition,
    'AWS::URLSuffix': 'amazonaws.com',
    'AWS::StackName': name,
    'AWS::StackId': `arn:${partition}:cloudformation:${region}:${account}:stack/${name}/00000000-0000-0000-0000-000000000000`,
  };
  const property = (logicalId: string) => (of: string) =>
    stringOf(resolveValue(objectOf(objectOf(resources[logicalId]).Properties)[of], scope));
  const identity = remembered((logicalId: string) => {
    const type = String(objectOf(resources[logicalId]).Type);
    const place: Place = { partition, account, region, stack: name, logicalId };
    return identify(type, place, property(logicalId));
  });
  const scope: Scope = {
    stack: name,
    region,
    mappings: objectOf(template.Mappings),
    ref: (id) => {
      if (id in resources) return identity(id)?.ref ?? unknown(`Ref ${id}`);
      return pseudo[id] ?? parameters[id] ?? unknown(`Ref ${id}`);
    },
    attribute: (id, attribute) =>
      identity(id)?.attributes[attribute] ?? property(id)(attribute) ?? unknown(`GetAtt ${id}.${attribute}`),
    importValue: (wanted) =>
      exported(`${account}/${region}`)?.get(wanted)?.() ?? unknownValue(`import ${wanted}`),
    stackOutput: (other, output) => {
      const found = all.find((candidate) => candidate.name === other);
      const value = objectOf(objectOf(found?.template.Outputs)[output]).Value;
      return found === undefined || value === undefined ? undefined : resolveValue(value, found.scope);
    },
    condition: remembered((id: string) => resolveCondition(objectOf(template.Conditions)[id], scope)),
  };
  return { name, account, region, template, stack, scope, identity };
}

/** The exported outputs of one account and region by export name. */
function exportsOf(stacks: readonly StackScope[]): ReadonlyMap<unknown, () => unknown> {
  const entries = stacks.flatMap(({ template, scope }) =>
    Object.values(objectOf(template.Outputs))
      .map(objectOf)
      .filter((output) => isObject(output.Export))
      .map((output): [unknown, () => unknown] => [
        resolveValue(objectOf(output.Export).Name, scope),
        () => resolveValue(output.Value, scope),
      ]),
  );
  return new Map(entries);
}

function resourcesOf({ stack, scope, identity, name, account, region, template }: StackScope): Untagged[] {
  return Object.entries(objectOf(template.Resources)).flatMap(([logicalId, value]) => {
    const definition = objectOf(value);
    const exists = definition.Condition === undefined || scope.condition(String(definition.Condition));
    if (exists === false) return [];
    const properties = objectOf(resolveValue(objectOf(definition.Properties), scope));
    const code = objectOf(properties.Code ?? properties.Content);
    const resource: Untagged = {
      stack: name,
      logicalId,
      type: String(definition.Type),
      properties,
      physicalId: identity(logicalId)?.ref ?? unknownValue(`${name}: Ref ${logicalId}`),
      arn: identity(logicalId)?.arn,
      constructPath: stack.constructPaths.get(logicalId) ?? `${name}/${logicalId}`,
      account,
      region,
      assetPath: stack.assets.get(String(code.S3Key)),
      certain: exists === true,
      definition,
    };
    return [resource];
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
