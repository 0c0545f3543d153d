import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ZonesError } from '@helseid-zones/protocol/errors';

/** A JSON document that survives a restart. `save` writes it whole and swaps it in, so a crash leaves the old or the new one. */
export interface Document<T> {
  readonly value: T;
  save(): void;
}

/**
 * Opens the document at `path`, beginning with `initial` where there is none. Files are readable by their owner only:
 * they hold the local keys.
 * @throws {ZonesError} local_failed: the file is no JSON, or can't be read
 */
export function openDocument<T>(path: string, initial: T): Document<T> {
  const value = readDocument(path, initial);
  return {
    value,
    save() {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      writeFileSync(`${path}.new`, JSON.stringify(value), { mode: 0o600 });
      renameSync(`${path}.new`, path);
    },
  };
}

/** A document that nothing is kept of: for tests and for state that a restart should lose. */
export function memoryDocument<T>(initial: T): Document<T> {
  return { value: initial, save: () => {} };
}

/** Where the local KMS keeps its keys, below the state. */
export const KEYS_FILE = 'kms.json';

/**
 * Removes the state. A file of keys that can't be read counts as holding some.
 * @throws {ZonesError} local_failed: it holds client keys that may be registered at a real issuer (`mayBeRegistered`): a key that is
 * lost can't be had again, and its registration needs a person
 */
export function removeState(directory: string, mayBeRegistered: boolean): void {
  if (mayBeRegistered && holdsKeys(join(directory, KEYS_FILE)))
    throw new ZonesError(
      'local_failed',
      `${directory} holds client keys that may be registered at an issuer, and that nothing would bring back: --fresh leaves them alone. Choose another folder with --directory, or remove this one yourself once the issuer has forgotten its keys.`,
    );
  rmSync(directory, { recursive: true, force: true });
}

function holdsKeys(path: string): boolean {
  try {
    return readDocument<{ keys?: unknown[] }>(path, { keys: [] }).keys?.length !== 0;
  } catch {
    return true;
  }
}

function readDocument<T>(path: string, initial: T): T {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as T;
  } catch (cause) {
    const { code } = Object(cause) as { code?: string };
    if (code === 'ENOENT') return initial;
    // What can't be read is not nothing: whoever began anew here would lose the keys that it holds.
    const what = code === undefined ? 'is damaged' : `can't be read (${code})`;
    throw new ZonesError('local_failed', `${path} ${what}; start with --fresh to begin anew`, { cause });
  }
}
