import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BuildOptions, buildApp } from '../../../infra/build-app.ts';
import type { SystemDeclaration } from '../../../infra/declaration/schema.ts';
import { type Assembly, readAssembly } from '../../../infra/proof/assembly/read-assembly.ts';
import system from '../../one-client.zones.ts';

const folders: string[] = [];
process.once('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A new folder that goes with the process. */
export function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'zones-'));
  folders.push(folder);
  return folder;
}

/** The cloud assembly of a declaration, in a folder that goes with the process. */
export function synthesize(declaration: SystemDeclaration, options: BuildOptions = {}): Assembly {
  const outdir = newFolder();
  buildApp(declaration, { checkTemplates: false, ...options, outdir }).synth();
  return readAssembly(outdir);
}

/** The assembly of the system of one client: synthesized once for all tests of a process, before the first. */
export const shipped = synthesize(system);
