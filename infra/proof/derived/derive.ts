import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BuildOptions, buildApp } from '../../build-app.ts';
import { sharedStackNames } from '../../declaration/names.ts';
import type { SystemDeclaration } from '../../declaration/schema.ts';
import { readAsset, zipDigestOf } from '../assembly/contents/read-asset.ts';
import { type Assembly, type AssemblyStack, readAssembly } from '../assembly/read-assembly.ts';
import { memory } from '../assembly/remembered.ts';

/** Derived assemblies by declaration, then by account, region and whether with code: a declaration never changes once it is defined. */
const derived = memory<SystemDeclaration, Assembly>();

/**
 * The cloud assembly that a declaration yields, for the account and region of `given`: synthesized in this process, in half a second,
 * without code, or with what the sources compile to here. It is what our own constructs make of it, so a fault of theirs is in it too; the rules are there for that.
 * @throws as `buildApp`
 */
export function deriveAssembly(declaration: SystemDeclaration, given: Assembly, withCode = false): Assembly {
  const signing = given.stacks.find(({ name }) => name === sharedStackNames(declaration.name).signing);
  const options = {
    withCode,
    path: pathOf(signing),
    // What the declaration says is not for the assembly to say.
    ...(signing?.account && !declaration.account ? { account: signing.account } : {}),
    ...(signing?.region && !declaration.region ? { region: signing.region } : {}),
  };
  return derived(declaration, JSON.stringify(options), () => synthesize(declaration, options));
}

/** Ids of the constructs that a stack lies below, as in an application of somebody else's. */
function pathOf(stack: AssemblyStack | undefined): string[] {
  const [path = ''] = stack?.constructPaths.values() ?? [];
  const ids = path.split('/');
  return ids.slice(0, Math.max(0, ids.indexOf(stack?.name ?? '')));
}

function withDigests(stack: AssemblyStack): AssemblyStack {
  const digests = [...stack.assets].map(([key, path]) => [key, zipDigestOf(readAsset(path))] as const);
  return { ...stack, digests: new Map(digests) };
}

function synthesize(declaration: SystemDeclaration, options: BuildOptions): Assembly {
  const outdir = mkdtempSync(join(tmpdir(), 'zones-'));
  try {
    buildApp(declaration, { ...options, outdir, checkTemplates: false, extension: false }).synth();
    const { stacks } = readAssembly(outdir);
    return { stacks: options.withCode ? stacks.map(withDigests) : stacks };
  } finally {
    rmSync(outdir, { recursive: true });
  }
}
