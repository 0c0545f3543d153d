import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildApp } from '../../build-app.ts';
import { sharedStackNames } from '../../declaration/names.ts';
import type { SystemDeclaration } from '../../declaration/schema.ts';
import { type Assembly, readAssembly } from '../assembly/read-assembly.ts';

/** Derived assemblies by declaration, then by account and region: a declaration never changes once it is defined. */
const derived = new WeakMap<SystemDeclaration, Map<string, Assembly>>();

/**
 * The cloud assembly that a declaration yields, for the account and region of `given`: synthesized in this process, in half a second,
 * without code. It is what our own constructs make of it, so a fault of theirs is in it too; the rules are there for that.
 * @throws as `buildApp`
 */
export function deriveAssembly(declaration: SystemDeclaration, given: Assembly): Assembly {
  const signing = given.stacks.find(({ name }) => name === sharedStackNames(declaration.name).signing);
  const place = {
    ...(signing?.account ? { account: signing.account } : {}),
    ...(signing?.region ? { region: signing.region } : {}),
  };
  const known = derived.get(declaration) ?? new Map<string, Assembly>();
  derived.set(declaration, known);
  const key = JSON.stringify(place);
  const assembly = known.get(key) ?? synthesize(declaration, place);
  known.set(key, assembly);
  return assembly;
}

function synthesize(declaration: SystemDeclaration, place: { account?: string; region?: string }): Assembly {
  const outdir = mkdtempSync(join(tmpdir(), 'zones-'));
  try {
    buildApp(declaration, { ...place, outdir, checkTemplates: false, withCode: false }).synth();
    return readAssembly(outdir);
  } finally {
    rmSync(outdir, { recursive: true });
  }
}
