import { cpSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SystemDeclaration } from '../../../infra/declaration/schema.ts';
import type { Assembly, AssemblyStack } from '../../../infra/proof/assembly/read-assembly.ts';
import { prove } from '../../../infra/proof/prove.ts';

/** JSON that a test may change. */
export type Changeable = Record<string, unknown>;

/** A resource of a template that a test may change. */
export interface Resource extends Changeable {
  Type: string;
  Properties: Changeable;
}

/** The resources of a template by logical id, for a test to change. */
export type Template = Record<string, Resource>;

/** A change to the template of one stack, under a name. */
export type Change = readonly [
  name: string,
  stack: string,
  change: (resources: Template) => void,
  ...rest: unknown[],
];

/** A violation, by the stack that it is in. */
export interface Found {
  rule: string;
  invariant: string;
  stack: string;
  message: string;
}

/** The violations of an assembly. */
export function findings(assembly: Assembly, system: SystemDeclaration): Found[] {
  return prove(assembly, system).violations.map(({ rule, invariant, resource, message }) => ({
    ...{ rule, invariant, message },
    stack: resource.split('/')[0] ?? '',
  }));
}

/**
 * Proves changes in rounds, one change a stack in each, since a proof takes long and stacks answer for themselves. Gives the
 * violations in the stack of a change.
 */
export function proveInRounds(
  shipped: Assembly,
  system: SystemDeclaration,
  changes: readonly Change[],
): (change: Change) => Found[] {
  const rounds: Change[][] = [];
  for (const change of changes) {
    const free = rounds.find((round) => round.every(([, stack]) => stack !== change[1]));
    if (free === undefined) rounds.push([change]);
    else free.push(change);
  }
  const proved = new Map<Change[], Found[]>();
  return (change) => {
    const round = rounds.find((candidate) => candidate.includes(change)) ?? [change];
    const changed = () =>
      round.reduce((assembly, [, stack, mutate]) => withTemplate(assembly, stack, mutate), shipped);
    const found = proved.get(round) ?? findings(changed(), system);
    proved.set(round, found);
    return found.filter(({ stack }) => stack === change[1]);
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

/** A copy of `assembly` in which one file of a function's asset is changed; `folders` gets the folder that it lies in. */
export function withAsset(
  assembly: Assembly,
  functionName: string,
  file: string,
  change: (text: string) => string,
  folders: string[],
): Assembly {
  const stack = assembly.stacks.find(({ template }) => keyOf(template, functionName) !== undefined);
  const key = stack && keyOf(stack.template, functionName);
  const from = stack?.assets.get(key ?? '');
  if (stack === undefined || key === undefined || from === undefined)
    throw new Error(`no asset of ${functionName}`);
  const folder = mkdtempSync(join(tmpdir(), 'asset-'));
  folders.push(folder);
  cpSync(from, folder, { recursive: true });
  const path = join(folder, file);
  const text = (() => {
    try {
      return readFileSync(path, 'utf8');
    } catch {
      return '';
    }
  })();
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
    ([id, resource]) => id.startsWith(prefix) && resource.Type.includes(type),
  );
  const [only] = found;
  if (found.length !== 1 || only === undefined)
    throw new Error(`${found.length} resources ${prefix} ${type}`);
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
