import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { App } from 'aws-cdk-lib';
import { type BuildOptions, buildApp } from '../../infra/build-app.ts';
import { defineSystem } from '../../infra/declaration/define.ts';
import type { SystemDeclaration, SystemInput } from '../../infra/declaration/schema.ts';
import system from '../one-client.zones.ts';
import { newFolder } from '../temporary.ts';

/** A resource of a template. */
export interface Resource {
  Type: string;
  Properties: Readonly<Record<string, unknown>>;
  DependsOn?: string | readonly string[];
  DeletionPolicy?: string;
}

/** A policy statement as it stands in a template. */
export interface Statement {
  Sid?: string;
  Effect: 'Allow' | 'Deny';
  Action: string | readonly string[];
  Resource: unknown;
  Principal?: unknown;
  Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** A synthesized system. */
export interface Assembly {
  folder: string;
  stacks: readonly string[];
  /** Logical id to resource, of one stack. */
  resources(stack: string): Readonly<Record<string, Resource>>;
  /** Resources of a type, of one stack or of all. */
  ofType(type: string, stack?: string): [id: string, resource: Resource][];
  /** The one resource of a stack whose logical id begins so. */
  find(stack: string, prefix: string): Resource;
  /** Outputs of a stack, by logical id. */
  outputs(stack: string): Readonly<Record<string, string>>;
  /** Stacks that a stack waits for. */
  dependencies(stack: string): string[];
  /** Which account a stack goes to. */
  account(stack: string): string;
  /** What the synth says about a stack, of one kind. */
  messages(stack: string, kind: 'info' | 'warning' | 'error'): string[];
  /** The files of a function's asset, by the function's physical name. */
  asset(functionName: string, file: string): string;
}

/** The system of one client with some members replaced. */
export function withZones(zones: SystemInput['zones'], more: Partial<SystemInput> = {}): SystemDeclaration {
  return defineSystem({ ...system, zones: { ...system.zones, ...zones }, ...more });
}

/** The folder that a declaration is synthesized to: once for all tests of a run. With `prepare`, which sees the app before, always anew. */
export function synthesizedFolder(
  declaration: SystemDeclaration = system,
  options: BuildOptions = {},
  prepare?: (app: App) => void,
): string {
  const key = createHash('sha256')
    .update(JSON.stringify([declaration, options]))
    .digest('hex');
  // Beside the folders that newFolder makes, where every worker of the run finds it.
  const shared = join(tmpdir(), `synthesized-${key}`);
  if (prepare === undefined && existsSync(shared)) return shared;
  const outdir = newFolder();
  const app = buildApp(declaration, { checkTemplates: false, ...options, outdir });
  prepare?.(app);
  app.synth();
  if (prepare !== undefined) return outdir;
  moveOnce(outdir, shared);
  return shared;
}

/** Moves a folder to where all find it, whole or not at all: who comes second has the same, and leaves what is there. */
export function moveOnce(made: string, shared: string): void {
  try {
    renameSync(made, shared);
  } catch (error) {
    // Of a folder that is not empty; nothing else is anybody's work.
    if (!['ENOTEMPTY', 'EEXIST'].includes(String(Object(error).code))) throw error;
  }
}

/** A system as it is synthesized; see {@link synthesizedFolder}. */
export function synthesize(...system: Parameters<typeof synthesizedFolder>): Assembly {
  const folder = synthesizedFolder(...system);
  const read = (file: string) => JSON.parse(readFileSync(join(folder, file), 'utf8'));
  const artifacts = Object.entries<{ type: string; environment?: string; dependencies?: string[] }>(
    read('manifest.json').artifacts,
  ).filter(([, { type }]) => type === 'aws:cloudformation:stack');
  const stacks = artifacts.map(([name]) => name);
  const templates = new Map(stacks.map((name) => [name, read(`${name}.template.json`)]));
  const resources = (stack: string): Record<string, Resource> => templates.get(stack)?.Resources ?? {};
  const artifact = (stack: string) => artifacts.find(([name]) => name === stack)?.[1];
  return {
    folder,
    stacks,
    resources,
    ofType: (type, stack) =>
      (stack ? [stack] : stacks).flatMap((name) =>
        Object.entries(resources(name)).filter(([, resource]) => resource.Type === type),
      ),
    find(stack, prefix) {
      const found = Object.entries(resources(stack)).filter(([id]) => id.startsWith(prefix));
      const [only] = found;
      if (found.length !== 1 || !only) throw new Error(`${stack} has ${found.length} resources ${prefix}*`);
      return only[1];
    },
    outputs: (stack) =>
      Object.fromEntries(
        Object.entries<{ Value: unknown }>(templates.get(stack)?.Outputs ?? {}).map(([id, output]) => [
          id,
          text(output.Value),
        ]),
      ),
    dependencies: (stack) => (artifact(stack)?.dependencies ?? []).filter((name) => stacks.includes(name)),
    account: (stack) => artifact(stack)?.environment?.split('/')[2] ?? '',
    messages: (stack, kind) =>
      Object.values<{ type: string; data: string }[]>(read(`${stack}.metadata.json`))
        .flat()
        .flatMap(({ type, data }) => (type === `aws:cdk:${kind}` ? [data] : [])),
    asset(functionName, file) {
      for (const stack of stacks)
        for (const resource of Object.values(resources(stack)))
          if (
            resource.Type === 'AWS::Lambda::Function' &&
            resource.Properties['FunctionName'] === functionName
          ) {
            const { S3Key } = resource.Properties['Code'] as { S3Key: string };
            return readFileSync(join(folder, `asset.${S3Key.replace(/\.zip$/, '')}`, file), 'utf8');
          }
      throw new Error(`no function ${functionName}`);
    },
  };
}

/** As {@link synthesize}, without the code of functions, which takes two thirds of the time: for what templates alone say. */
export function synthesizeTemplates(declaration: SystemDeclaration, options: BuildOptions = {}): Assembly {
  return synthesize(declaration, { withCode: false, ...options });
}

/** The statements of a role's inline policies, a managed policy, a key, an endpoint, or a queue policy. */
export function statementsOf({ Type, Properties }: Resource): Statement[] {
  const document = (value: unknown) => (value as { Statement: Statement[] }).Statement;
  if (Type === 'AWS::IAM::Role') {
    const policies = (Properties['Policies'] ?? []) as { PolicyDocument: unknown }[];
    return policies.flatMap(({ PolicyDocument }) => document(PolicyDocument));
  }
  return document(Properties['KeyPolicy'] ?? Properties['PolicyDocument']);
}

/** The statements that are about an action, by its exact name. */
export function about(statements: readonly Statement[], action: string): Statement[] {
  return statements.filter(({ Action }) => [Action].flat().includes(action));
}

/** A value as text, with what CloudFormation fills in as `<name>`: enough to compare ARNs. */
export function text(value: unknown): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return value.map(text).join(' ');
  if (typeof value !== 'object' || value === null) return String(value);
  const [[kind, argument] = ['', '']] = Object.entries(value);
  if (kind === 'Ref') return `<${argument}>`;
  if (kind === 'Fn::GetAtt') return `<${(argument as string[]).join('.')}>`;
  if (kind === 'Fn::Join') return (argument as [string, unknown[]])[1].map(text).join('');
  if (kind === 'Fn::GetStackOutput') return `<${(argument as { OutputName: string }).OutputName}>`;
  return JSON.stringify(value);
}
