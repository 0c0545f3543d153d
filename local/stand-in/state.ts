import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A JSON file that survives a restart; without a folder nothing is kept. Readable by its owner only. */
export interface StateFile<T> {
  read(): T | undefined;
  write(value: T): void;
}

/** The file `name` in `dir`. An unreadable file counts as none, so that a start cut short doesn't stop the next one. */
export function openState<T>(dir: string | undefined, name: string): StateFile<T> {
  if (!dir) return { read: () => undefined, write: () => {} };
  const path = join(dir, name);
  return {
    read() {
      try {
        return JSON.parse(readFileSync(path, 'utf8')) as T;
      } catch {
        return undefined;
      }
    },
    write(value) {
      mkdirSync(dir, { recursive: true, mode: 0o700 });
      writeFileSync(`${path}.part`, JSON.stringify(value), { mode: 0o600 });
      renameSync(`${path}.part`, path);
    },
  };
}
