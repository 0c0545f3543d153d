import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SystemDeclaration } from './declaration/schema.ts';

/** Which cloud assembly a command is about: the one in a folder, or one that is synthesized for it. */
export interface AssemblyChoice {
  assembly?: string | undefined;
  /** File of the declaration. */
  declaration: string;
  /** Where it is deployed; absent: as declared, else anywhere. */
  place?: { account: string; region: string };
}

/** Runs `use` on a new folder, which is gone afterwards. */
export async function inNewFolder<T>(use: (folder: string) => T | Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'zones-'));
  try {
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Runs `use` on the folder of the chosen assembly; one that is synthesized, of which `onSynth` is told, is gone afterwards. */
export async function withAssembly<T>(
  { assembly, declaration, place }: AssemblyChoice,
  system: SystemDeclaration,
  onSynth: () => void,
  use: (directory: string) => Promise<T>,
): Promise<T> {
  if (assembly !== undefined) return use(assembly);
  onSynth();
  // Loaded only where it is needed: the CDK takes longer than what a command does.
  const { buildApp } = await import('./build-app.ts');
  const { loadExtension } = await import('./extension.ts');
  const extension = await loadExtension(declaration);
  return inNewFolder((outdir) => {
    buildApp(system, { outdir, ...place, extension }).synth();
    return use(outdir);
  });
}
