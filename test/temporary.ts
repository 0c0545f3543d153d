import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** A new folder; it goes with the run. */
export function newFolder(): string {
  return mkdtempSync(join(tmpdir(), 'zones-'));
}

/** Vitest's global set-up: one folder for all that a run's tests write, their child processes included. Gives its removal. */
export default function setup(): () => void {
  const folder = newFolder();
  // What os.tmpdir() reads, on Windows too.
  Object.assign(process.env, { TMPDIR: folder, TEMP: folder });
  // Loading the CDK takes half as long where a process before has compiled it. Each run leaves its test files there too, which no other
  // reads, since their URLs are of that run.
  const compiled = resolve('.build/compiled');
  process.env['NODE_COMPILE_CACHE'] ??= compiled;
  if (existsSync(compiled) && readdirSync(compiled, { recursive: true }).length > 6_000)
    rmSync(compiled, { recursive: true });
  return () => rmSync(folder, { recursive: true, force: true });
}
