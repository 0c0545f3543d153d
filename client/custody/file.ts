import { randomBytes } from 'node:crypto';
import { type BigIntStats, constants } from 'node:fs';
import { lstat, open, readFile, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { ZonesError } from '@helseid-zones/protocol/errors';
import type { RingStore } from './store.ts';

/** How often another process's lock is looked at, and how long between, milliseconds: a change takes a few. */
const TRIES = 20;
const PAUSE = 50;

/**
 * Keys in a file. It is looked at each time and read again when it has changed, so a new file in its place, or a Kubernetes
 * secret's symlink that points elsewhere, is seen by the next signature. A change is made under a lock file, and by renaming a
 * whole new file onto the old: whoever reads sees one or the other. On Windows, which has no modes, none is checked.
 *
 * Both of its functions throw:
 *
 * @throws {ZonesError} custody_refused: others may read it, or it belongs to another user
 * @throws {ZonesError} custody_unavailable: it can't be read or written, or another process is changing it
 */
export function createFileStore(path: string, mode: number): RingStore {
  let held: { seen: string; text: string } | undefined;

  async function read(): Promise<string | undefined> {
    const handle = await open(path, constants.O_RDONLY).catch((cause) => {
      if (codeOf(cause) === 'ENOENT') return undefined;
      throw unavailable('The key file can not be read; see who owns it and its folder.', cause);
    });
    if (!handle) return undefined;
    try {
      const stats = await handle.stat({ bigint: true });
      requirePrivate(stats, mode);
      const seen = [stats.dev, stats.ino, stats.size, stats.mtimeNs, stats.ctimeNs].join(' ');
      if (held?.seen !== seen) held = { seen, text: await handle.readFile('utf8') };
      return held.text;
    } finally {
      await handle.close();
    }
  }

  return {
    lifetime: 0,
    read,
    async change(mutate) {
      const link = await lstat(path).catch(() => undefined);
      if (link?.isSymbolicLink())
        throw new ZonesError(
          'custody_refused',
          'The key file is a link, as a mounted secret is; change the secret where it comes from.',
        );
      return withLock(`${path}.lock`, async () => {
        const before = await read();
        const text = mutate(before);
        if (text !== before) await replace(path, text);
        return text;
      }).catch((cause) => {
        if (cause instanceof ZonesError) throw cause;
        throw unavailable('The key file can not be written; see who owns its folder.', cause);
      });
    },
  };
}

function requirePrivate(stats: BigIntStats, mode: number): void {
  if (process.platform === 'win32') return;
  const has = Number(stats.mode) & 0o777;
  if ((has & ~mode) !== 0)
    throw new ZonesError(
      'custody_refused',
      `Others may read the key file: its mode is ${has.toString(8)}, and ${mode.toString(8)} is the most; chmod it, and take a copy that was read for one that is known: rotate.`,
    );
  const owner = Number(stats.uid);
  if (owner !== 0 && owner !== process.getuid?.())
    throw new ZonesError(
      'custody_refused',
      'The key file belongs to another user than this process runs as.',
    );
}

/** A whole file beside the old, on the disk before it takes its place. */
async function replace(path: string, text: string): Promise<void> {
  const fresh = `${path}.${randomBytes(8).toString('hex')}`;
  try {
    await writeNew(fresh, text);
    await rename(fresh, path);
  } catch (error) {
    await unlink(fresh).catch(() => {});
    throw error;
  }
  // Windows opens no folders; there a rename is on the disk when it is.
  const folder = await open(dirname(path), constants.O_RDONLY).catch(() => undefined);
  await folder?.sync().catch(() => {});
  await folder?.close();
}

async function writeNew(path: string, text: string): Promise<void> {
  const handle = await open(path, 'wx', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** One process at a time: the file says which, and one that a dead process has left is taken over. */
async function withLock<T>(path: string, run: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      await writeNew(path, String(process.pid));
      break;
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
      if (tries === TRIES) throw unavailable('Another process is changing the key file; try again.', error);
      if (await isHeld(path)) await setTimeout(PAUSE);
      else await unlink(path).catch(() => {});
    }
  }
  try {
    return await run();
  } finally {
    await unlink(path).catch(() => {});
  }
}

async function isHeld(path: string): Promise<boolean> {
  const pid = Number(await readFile(path, 'utf8').catch(() => ''));
  // Empty: it is being written, or gone.
  if (!Number.isInteger(pid) || pid <= 0) return true;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

function codeOf(error: unknown): unknown {
  return Object(error).code;
}

function unavailable(message: string, cause: unknown): ZonesError {
  return new ZonesError('custody_unavailable', message, { cause, facts: { custody: 'file:' } });
}
