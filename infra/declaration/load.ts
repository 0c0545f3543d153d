import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { transformSync } from 'esbuild';
import { ZonesError } from '../../client/errors.ts';
import type { SystemDeclaration } from './types.ts';
import { validateSystem } from './validate.ts';

/**
 * Loads a declaration file, `zones.ts` by default, and validates its default export. Throws `declaration_invalid`, also
 * for a name that is declared twice: an object keeps the last of two equal keys and forgets the first, so two zones with
 * one name can only be seen in the source.
 */
export async function loadSystem(file = 'zones.ts'): Promise<SystemDeclaration> {
  const path = resolve(file);
  refuseRepeatedNames(readSource(path), file);
  const module: { default?: unknown } = await import(pathToFileURL(path).href);
  const declaration = module.default;
  validateSystem(declaration);
  return declaration;
}

function readSource(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new ZonesError('declaration_invalid', `The declaration ${path} can’t be read.`, { cause });
  }
}

/** Throws `declaration_invalid` for an object literal that names a key twice. Does not see keys that are computed. */
export function refuseRepeatedNames(source: string, file: string): void {
  const { warnings } = transformSync(source, { loader: 'ts', logLevel: 'silent' });
  const twice = warnings.find(({ id }) => id === 'duplicate-object-key');
  if (twice)
    throw new ZonesError(
      'declaration_invalid',
      `${file}:${twice.location?.line}: ${twice.text}; the first of the two would be lost: rename one.`,
    );
}
