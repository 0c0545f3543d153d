import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { SystemDeclaration } from '../../../infra/declaration/schema.ts';
import type { Assembly, AssemblyStack } from '../../../infra/proof/assembly/read-assembly.ts';
import { resolveAssembly } from '../../../infra/proof/assembly/resolve.ts';
import { compareWithDerived } from '../../../infra/proof/derived/compare.ts';
import { readInput } from '../../../infra/proof/read-input.ts';
import type { ProofInput, Rule } from '../../../infra/proof/rules/rule.ts';
import { sampled } from '../../full.ts';
import system from '../../one-client.zones.ts';
import { newFolder } from '../../temporary.ts';
import { oneClient } from './one-client.ts';
import { faultOf } from './replay.ts';
import { untold } from './small-cases.ts';
import { ruleNamed } from './small-system.ts';

/** JSON that a test may change. */
export type Changeable = Record<string, unknown>;

/** A resource of a template that a test may change. */
export interface Resource extends Changeable {
  Type: string;
  Properties: Changeable;
}

/** The resources of a template by logical id, for a test to change. */
export type Template = Record<string, Resource>;

/** A change to the template of one stack. */
export type Change = (resources: Template) => void;

export const STACKS = {
  signing: 'journal-signing',
  public: 'journal-zone-public',
  internal: 'journal-zone-internal',
  admin: 'journal-zone-admin',
  gateway: 'journal-gateway-account',
};
export const PUBLIC = STACKS.public;

/** A change's name, after the word for the stack that it is to. */
type Name = `${keyof typeof STACKS}: ${string}`;

/** Changes by their names. */
export type Changes = Readonly<Record<Name, Change>>;

/** A change to a file of a function's asset, by the function's physical name. */
export type AssetMutation = readonly [
  of: string,
  file: string,
  name: string,
  change: (text: string) => string,
];

export const SIGNER = 'Signerpublicjournal';
export const ROTATION = 'journal-admin-rotation';

const ACCOUNT = '000000000000';
export const arn = (service: string, rest: string) => `arn:aws:${service}:eu-north-1:${ACCOUNT}:${rest}`;
export const role = (name: string) => `arn:aws:iam::${ACCOUNT}:role/${name}`;
export const signer = (zone: string) => arn('lambda', `function:journal-signer-journal-${zone}`);

/** The violations that rules find in an assembly, compared with `derived` if that is given; the others are not asked, since a whole proof takes long. */
export function findingsOf(
  rules: string | readonly string[],
  assembly: Assembly,
  of: SystemDeclaration = system,
  derived?: Assembly,
): (ReturnType<Rule['check']>[number] & { rule: string })[] {
  const input = readInput(resolveAssembly(assembly), of, derived && compareWithDerived(assembly, derived));
  return [rules].flat().flatMap((rule) =>
    ruleNamed(rule)
      .check(input)
      .map((found) => ({ rule, ...found })),
  );
}

/** Violations that are about no request, by rule: what is there, what leads where, what a text or a file holds. No other comes without one. */
const WITHOUT_REQUEST: Readonly<Record<string, RegExp>> = {
  ...Object.fromEntries(
    `actions-are-known alarms-ring data-is-encrypted egress-is-https endpoints-are-own events-are-declared
    exits-are-declared function-permissions-are-own functions-have-own-roles logs-are-kept logs-hold-no-tokens names-answered
    networks-are-declared no-key-material only-signers-can-sign policies-are-for-own-roles properties-are-understood
    records-are-bare resource-types-are-known roles-are-bounded roles-are-trusted-by-one-service routes-are-authorized
    signers-are-declared signing-zone-has-no-way-out templates-are-final zone-functions-are-declared`
      .split(/\s+/)
      .map((rule) => [rule, /^/]),
  ),
  'signers-have-one-caller': / policies of its own| is a policy of something else/,
};

/** What is wrong with the requests that show violations of a rule: that there is none, or one where there can't be, too. */
function faultsOf(rule: string, found: ReturnType<Rule['check']>, { world }: ProofInput): string[] {
  return found.flatMap(({ message, request }) => {
    const isNone = WITHOUT_REQUEST[rule]?.test(message) ?? false;
    if (isNone !== (request === undefined))
      return [`${rule}: ${message} ${isNone ? 'has a' : 'has no'} request (see WITHOUT_REQUEST)`];
    return (request && faultOf(request(), world)) ?? [];
  });
}

function inputOf(assembly: Assembly, of: SystemDeclaration = system) {
  return readInput(resolveAssembly(assembly), of);
}

/** Tests that a rule finds each change (in full; else the first of every four) to `test/one-client.zones.ts`, in the stack that it is in; without one no rule finds anything. */
export function mutations(rule: string, templates: Changes, assets: readonly AssetMutation[] = []): void {
  describe(rule, () => {
    it.each(sampled(listed(templates), 4))('$name', ({ stack, change }) => {
      const input = inputOf(withTemplate(oneClient, stack, change));
      const found = ruleNamed(rule).check(input);
      expect(found.map(({ resource }) => resource.split('/')[0])).toContain(stack);
      expect(untold(found)).toEqual([]);
      // What is about a request has one that the engine allows.
      expect(faultsOf(rule, found, input)).toEqual([]);
    });

    it.for(sampled(assets, 3))('%s, %s: %s', ([of, file, , change]) => {
      const input = inputOf(withAsset(oneClient, of, file, change));
      const found = ruleNamed(rule).check(input);
      expect(found).not.toEqual([]);
      expect(faultsOf(rule, found, input)).toEqual([]);
    });
  });
}

/** The changes one by one, with the stacks that they are to. */
export function listed(changes: Changes): { stack: string; name: string; change: Change }[] {
  return Object.entries(changes).map(([name, change]) => {
    const where = name.split(':')[0] as keyof typeof STACKS;
    return { name, change, stack: STACKS[where] };
  });
}

/** A change for each of `values`, by its name. */
export function each<Value>(
  values: readonly Value[],
  name: (value: Value) => Name,
  change: (value: Value) => Change,
): Changes {
  return Object.fromEntries(values.map((value) => [name(value), change(value)]));
}

/** Gives the role of a function an action. */
export function gives(prefix: string, action: string | string[], on: unknown = '*'): Change {
  return (r) => allow(find(r, prefix, 'IAM::Role'), action, on);
}

/** Adds a resource. */
export function adds(
  Type: string,
  properties: Changeable | ((resources: Template) => Changeable) = {},
): Change {
  return (r) => {
    r[`Added${Object.keys(r).length}`] = {
      Type,
      Properties: typeof properties === 'function' ? properties(r) : properties,
    };
  };
}

/** Sets properties of a resource; undefined takes one away. */
export function sets(prefix: string, properties: Changeable, type = ''): Change {
  return (r) => {
    const { Properties } = find(r, prefix, type);
    Object.assign(Properties, properties);
    // A template has no undefined.
    for (const [name, value] of Object.entries(properties)) if (value === undefined) delete Properties[name];
  };
}

/** Sets variables of a function. */
export function setsVariables(prefix: string, variables: Changeable): Change {
  return (r) => {
    const environment = find(r, `${prefix}Function`).Properties.Environment as { Variables: Changeable };
    Object.assign(environment.Variables, variables);
  };
}

/** A copy of `assembly` in which the template of one stack is changed. */
export function withTemplate(
  assembly: Assembly,
  name: string,
  change: (resources: Template) => void,
): Assembly {
  return withStack(assembly, name, (stack) => {
    const template = structuredClone(stack.template) as { Resources: Template };
    change(template.Resources);
    return { ...stack, template: template as unknown as AssemblyStack['template'] };
  });
}

/** A copy of `assembly` in which one file of a function's asset is changed. */
export function withAsset(
  assembly: Assembly,
  functionName: string,
  file: string,
  change: (text: string) => string,
): Assembly {
  const stack = assembly.stacks.find(({ template }) => keyOf(template, functionName) !== undefined);
  const key = stack && keyOf(stack.template, functionName);
  const from = stack?.assets.get(key ?? '');
  if (stack === undefined || key === undefined || from === undefined)
    throw new Error(`no asset of ${functionName}`);
  const folder = newFolder();
  cpSync(from, folder, { recursive: true });
  const path = join(folder, file);
  const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
  writeFileSync(path, change(text));
  return withStack(assembly, stack.name, (old) => ({
    ...old,
    assets: new Map([...old.assets, [key, folder]]),
  }));
}

function withStack(
  assembly: Assembly,
  name: string,
  change: (stack: AssemblyStack) => AssemblyStack,
): Assembly {
  if (!assembly.stacks.some((stack) => stack.name === name)) throw new Error(`no stack ${name}`);
  return {
    ...assembly,
    stacks: assembly.stacks.map((stack) => (stack.name === name ? change(stack) : stack)),
  };
}

function keyOf(template: AssemblyStack['template'], functionName: string): string | undefined {
  const resources = Object.values((template as { Resources: Template }).Resources);
  const found = resources.find(({ Properties }) => Properties?.FunctionName === functionName);
  return (found?.Properties.Code as { S3Key?: string } | undefined)?.S3Key;
}

/** The one resource of a template whose logical id begins so, of a type if one is given. */
export function find(resources: Template, prefix: string, type = ''): Resource {
  const found = Object.entries(resources).filter(
    ([id, resource]) => id.startsWith(prefix) && resource.Type.endsWith(type),
  );
  const [only] = found;
  if (found.length !== 1 || only === undefined)
    throw new Error(
      `${found.length} resources ${prefix} ${type}; there are ${Object.keys(resources).sort().join(' ')}`,
    );
  return only[1];
}

/** The logical id of {@link find}. */
export function idOf(resources: Template, prefix: string, type = ''): string {
  const resource = find(resources, prefix, type);
  return Object.entries(resources).find(([, other]) => other === resource)?.[0] ?? '';
}

/** The statements of a role's own policy, a boundary, a key, an endpoint or a queue, to be changed in place. */
export function statementsOf({ Type, Properties }: Resource): Changeable[] {
  const document =
    Type === 'AWS::IAM::Role'
      ? (Properties.Policies as { PolicyDocument: unknown }[])[0]?.PolicyDocument
      : (Properties.KeyPolicy ?? Properties.PolicyDocument);
  return (document as { Statement: Changeable[] }).Statement;
}

/** The statement with this Sid, or this number. */
export function statementOf(resource: Resource, sid: string | number): Changeable {
  const found = statementsOf(resource).find((statement, index) => statement.Sid === sid || index === sid);
  if (found === undefined) throw new Error(`no statement ${sid}`);
  return found;
}

/** Takes the statement with this Sid away. */
export function dropStatement(resource: Resource, sid: string): void {
  const statements = statementsOf(resource);
  statements.splice(statements.indexOf(statementOf(resource, sid)), 1);
}

/** Adds an Allow statement. */
export function allow(
  resource: Resource,
  action: string | string[],
  on: unknown = '*',
  more: Changeable = {},
): void {
  statementsOf(resource).push({ Effect: 'Allow', Action: action, Resource: on, ...more });
}

/** Takes one key out of a statement's condition. */
export function dropCondition(statement: Changeable, operator: string, key?: string): void {
  const condition = statement.Condition as Record<string, Changeable>;
  if (key === undefined) delete condition[operator];
  else delete condition[operator]?.[key];
}
