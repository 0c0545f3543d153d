import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A new folder; it goes with the run. */
export function newFolder(): string {
  return mkdtempSync(join(tmpdir(), 'zones-'));
}

/** Vitest's global set-up: one folder for all that a run's tests write, their child processes included. Gives its removal. */
export default function setup(): () => void {
  const folder = newFolder();
  // What os.tmpdir() reads, on Windows too.
  Object.assign(process.env, { TMPDIR: folder, TEMP: folder });
  return () => rmSync(folder, { recursive: true, force: true });
}
