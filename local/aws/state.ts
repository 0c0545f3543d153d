import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { ZonesError } from '@helseid-zones/protocol/errors';
import { isObject } from '../../infra/proof/assembly/json.ts';
import { printError } from '../../infra/terminal.ts';

/** A JSON document that survives a restart. */
export interface Document<T> {
  readonly value: T;
  /**
   * Writes it whole and swaps it in, so a crash leaves the old or the new one.
   * @throws {ZonesError} local_failed: it can't be written, and the old one is there
   */
  save(): void;
}

/**
 * Opens the document at `path`, beginning with `initial` where there is none. Files are readable by their owner only:
 * they hold the local keys.
 * @throws {ZonesError} local_failed: the file is no JSON, lacks a member of `initial` or has one of another kind, or can't be read
 */
export function openDocument<T extends object>(path: string, initial: T): Document<T> {
  const value = readDocument(path, initial);
  return {
    value,
    save() {
      try {
        mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
        writeFileSync(`${path}.new`, JSON.stringify(value), { mode: 0o600 });
        renameSync(`${path}.new`, path);
      } catch (cause) {
        // Half of it would take the room that there is.
        if (existsSync(`${path}.new`)) rmSync(`${path}.new`);
        throw unwritable(path, 'what was asked is not kept', cause);
      }
    },
  };
}

/** The logs that lack something, by path. */
const lacking = new Set<string>();

/** Appends a line to a log. Where it can't be written that is said once, and the work goes on: nothing is read back from logs here. */
export function appendLine(path: string, line: string): void {
  try {
    // The line before may have ended anywhere.
    appendFileSync(path, `${lacking.has(path) ? '\n' : ''}${line}\n`, { mode: 0o600 });
    lacking.delete(path);
  } catch (cause) {
    if (!lacking.has(path)) printError(unwritable(path, 'lines are missing there until it can', cause));
    lacking.add(path);
  }
}

/** That a file or folder can't be written, as far as that is not a mistake here. */
export function unwritable(path: string, then: string, cause: unknown): ZonesError {
  const { code = String(cause) } = Object(cause) as { code?: string };
  const message = `${path} can't be written (${code}): ${then}. Make room on that disk, or choose another folder with --directory.`;
  return new ZonesError('local_failed', message, { cause, facts: { error: code } });
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

function readDocument<T extends object>(path: string, initial: T): T {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (isObject(value) && Object.entries(initial).every(([name, member]) => isAlike(value[name], member)))
      return value as T;
    throw new SyntaxError('It has another shape.');
  } catch (cause) {
    const { code } = Object(cause) as { code?: string };
    if (code === 'ENOENT') return initial;
    // What can't be read is not nothing: whoever began anew here would lose the keys that it holds.
    const what = code === undefined ? 'is damaged' : `can't be read (${code})`;
    throw new ZonesError('local_failed', `${path} ${what}; start with --fresh to begin anew`, { cause });
  }
}

function isAlike(value: unknown, other: unknown): boolean {
  return Array.isArray(other) ? Array.isArray(value) : !isObject(other) || isObject(value);
}
