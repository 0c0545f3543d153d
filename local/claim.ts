import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ZonesError } from '../client/errors.ts';
import { listen } from './http.ts';

/**
 * Claims the folder for this process and makes sure that the ports are free, before anything in the folder is touched: a second
 * start must not disturb the first. Returns what gives the folder back. Throws `local_failed`, saying what runs already.
 */
export async function claimPlace(directory: string, ports: readonly number[]): Promise<() => void> {
  for (const port of new Set(ports)) await (await listen(() => {}, port)).close();
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, 'running.json');
  const holder = readHolder(path);
  if (holder !== undefined) {
    throw new ZonesError(
      'local_failed',
      `A local system with its state in ${directory} is running (process ${holder}). End it, or choose another folder with --directory.`,
    );
  }
  writeFileSync(path, JSON.stringify({ pid: process.pid }), { mode: 0o600 });
  return () => rmSync(path, { force: true });
}

/** The process that holds the folder, if it is still there: one that was killed leaves its file behind. */
function readHolder(path: string): number | undefined {
  try {
    const { pid } = JSON.parse(readFileSync(path, 'utf8')) as { pid: number };
    process.kill(pid, 0);
    return pid;
  } catch {
    return undefined;
  }
}
