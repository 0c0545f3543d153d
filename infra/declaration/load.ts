import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isZonesError, ZonesError } from '@helseid-zones/protocol/errors';
import { type Message, type TransformFailure, transformSync } from 'esbuild';
import { defineSystem } from './define.ts';
import type { SystemDeclaration, SystemInput } from './schema.ts';

/**
 * Loads a declaration file, `zones.ts` by default, and validates its default export.
 * @throws {ZonesError} `declaration_invalid`: that begins with the file's name: where it can't be read, parsed or run, where what it
 * declares is not right, and for a name that is declared twice: an object keeps the last of two equal keys and forgets the first,
 * so two zones with one name can only be seen in the source
 */
export async function loadSystem(file = 'zones.ts'): Promise<SystemDeclaration> {
  const path = resolve(file);
  refuseRepeatedNames(readSource(path, file), file);
  try {
    const { default: declaration }: { default: SystemInput } = await import(pathToFileURL(path).href);
    return defineSystem(declaration);
  } catch (cause) {
    // Else the file throws when it is run, or imports what is not there.
    const said = isZonesError(cause, 'declaration_invalid') ? cause : undefined;
    const message =
      said?.message ?? `It can't be run: ${cause instanceof Error ? cause.message : String(cause)}`;
    throw new ZonesError('declaration_invalid', `${file}: ${message}`, { cause, facts: said?.facts ?? {} });
  }
}

function readSource(path: string, file: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw invalid(`${file}: The declaration can't be read (${path}).`, cause);
  }
}

function invalid(message: string, cause?: unknown): ZonesError {
  return new ZonesError('declaration_invalid', message, { cause });
}

/**
 * What esbuild warns of.
 * @throws {ZonesError} `declaration_invalid`: it is no TypeScript, with file, line and column
 */
function parse(source: string, file: string): Message[] {
  try {
    return transformSync(source, { loader: 'ts', logLevel: 'silent' }).warnings;
  } catch (cause) {
    const [first] = (cause as TransformFailure).errors ?? [];
    const { line, column, lineText } = first?.location ?? {};
    const place = line === undefined ? file : `${file}:${line}:${(column ?? 0) + 1}`;
    throw invalid(
      `${place}: ${first?.text ?? 'It is no TypeScript.'} Mend this line: ${lineText ?? ''}`,
      cause,
    );
  }
}

/**
 * Does not see keys that are computed.
 * @throws {ZonesError} `declaration_invalid`: an object literal names a key twice
 */
export function refuseRepeatedNames(source: string, file: string): void {
  const warnings = parse(source, file);
  const twice = warnings.find(({ id }) => id === 'duplicate-object-key');
  if (!twice) return;
  const place = `${file}:${twice.location?.line}`;
  throw invalid(`${place}: ${twice.text}; the first of the two would be lost: rename one.`);
}
