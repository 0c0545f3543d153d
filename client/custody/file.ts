import { randomBytes } from 'node:crypto';
import { type BigIntStats, constants } from 'node:fs';
import * as fs from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { isZonesError, ZonesError } from '@helseid-zones/protocol/errors';
import { ageAt } from '@helseid-zones/protocol/values';
import type { RingStore } from './ring.ts';

/** How often another process's lock is looked at, and how long between, milliseconds: a change takes a few. */
const TRIES = 20;
const PAUSE = 50;

/** How old a lock is whose process has died, milliseconds. One that lives and is as slow loses its change, not another's. */
const DEAD = 10_000;

/**
 * Keys in a file. It is looked at each time and read again when it has changed, so a new file in its place, or a Kubernetes
 * secret's symlink that points elsewhere, is seen by the next signature. A change is made by one process at a time, and by renaming a
 * whole new file onto the old: whoever reads sees one or the other. On Windows, which has no modes, none is checked.
 *
 * Both of its functions throw:
 *
 * @throws {ZonesError} custody_refused: others may read it or write to its folder or a link's, one of them belongs to another user,
 * it is no file, or its lock is none of ours
 * @throws {ZonesError} custody_unavailable: it can't be read or written, or another process is changing it
 */
export function createFileStore(path: string, mode: number, what = 'key file'): RingStore {
  let held: { seen: string; text: string } | undefined;
  const unreadable = (cause: unknown) =>
    unavailable(`The ${what} can not be read (${codeOf(cause)}); see who owns it and its folder.`, cause);

  async function read(): Promise<string | undefined> {
    // A pipe would be waited for; Windows has none of the kind.
    const handle = await fs.open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)).catch((cause) => {
      if (codeOf(cause) === 'ENOENT') return undefined;
      throw unreadable(cause);
    });
    if (!handle) return undefined;
    try {
      const stats = await handle.stat({ bigint: true });
      requirePrivate(stats, mode, what);
      await requireOwnFolders(path, what);
      const seen = [stats.dev, stats.ino, stats.size, stats.mtimeNs, stats.ctimeNs].join(' ');
      if (held?.seen !== seen) held = { seen, text: await handle.readFile('utf8') };
      return held.text;
    } catch (cause) {
      throw isZonesError(cause) ? cause : unreadable(cause);
    } finally {
      await handle.close();
    }
  }

  return {
    lifetime: 0,
    read,
    async change(mutate) {
      const link = await fs.lstat(path).catch(() => undefined);
      if (link?.isSymbolicLink())
        throw new ZonesError(
          'custody_refused',
          'The key file is a link, as a mounted secret is; change the secret where it comes from.',
        );
      return withDraft(`${path}.lock`, async (draft) => {
        // Also of a file that is not there yet.
        await requireOwnFolders(path, what);
        const before = await read();
        const text = mutate(before);
        if (text !== before) await replace(path, draft, text, mode);
        return text;
      }).catch((cause) => {
        if (isZonesError(cause)) throw cause;
        throw unavailable(
          `The ${what} can not be written (${codeOf(cause)}); see who owns its folder, and that its disk has room.`,
          cause,
        );
      });
    },
  };
}

function requirePrivate(stats: BigIntStats, mode: number, what: string): void {
  if (!stats.isFile()) throw new ZonesError('custody_refused', `The ${what} is a folder, or no file at all.`);
  if (process.platform === 'win32') return;
  const has = Number(stats.mode) & 0o777;
  if ((has & ~mode) !== 0)
    throw new ZonesError(
      'custody_refused',
      `Others may read the ${what}: its mode is ${has.toString(8)}, and ${mode.toString(8)} is the most; chmod it, and take a copy that was read for one that is known: rotate.`,
    );
  requireOurs(stats, what);
}

function requireOurs({ uid }: { uid: number | bigint }, what: string): void {
  if (process.platform === 'win32' || Number(uid) === 0 || Number(uid) === process.getuid?.()) return;
  throw new ZonesError('custody_refused', `The ${what} belongs to another user than this process runs as.`);
}

/**
 * Whoever may write to a folder may put another file or link in the place of the one there, unless it has the sticky bit; who owns it
 * always may. Of a link, each that it leads through counts.
 */
async function requireOwnFolders(path: string, what: string): Promise<void> {
  if (process.platform === 'win32') return;
  for (let at: string | undefined = path; at !== undefined; ) {
    const folder: string = await fs.realpath(dirname(at));
    const stats = await fs.stat(folder);
    requireOurs(stats, `${what}'s folder, or that of a link to it,`);
    if ((stats.mode & 0o1002) === 0o002)
      throw new ZonesError(
        'custody_refused',
        `Others may put another file in the place of the ${what}: its folder, or that of a link to it, has mode ${(stats.mode & 0o1777).toString(8)}; chmod o-w it.`,
      );
    const target: string | undefined = await fs.readlink(at).catch(() => undefined);
    at = target === undefined ? undefined : resolve(folder, target);
  }
}

/**
 * The draft takes the file's place, with its mode and group, once all of it is on the disk; there is none any more where another has
 * taken over.
 */
async function replace(path: string, draft: string, text: string, mode: number): Promise<void> {
  try {
    // Not made where it is gone: then it would be renamed after all.
    const handle = await fs.open(draft, 'r+');
    try {
      const replaced = await fs.stat(path).catch(() => undefined);
      if (replaced && replaced.gid !== (await handle.stat()).gid) await handle.chown(-1, replaced.gid);
      await handle.writeFile(text);
      // A new one is for its owner alone, and refused by no next who reads it.
      await handle.chmod((replaced?.mode ?? 0o600) & mode);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await fs.rename(draft, path);
  } catch (cause) {
    if (codeOf(cause) !== 'ENOENT') throw cause;
    throw unavailable(
      'Another process took over while this one slept, and nothing was changed; try again.',
      cause,
    );
  }
  // Windows opens no folders; there a rename is on the disk when it is.
  const folder = await fs.open(dirname(path), constants.O_RDONLY).catch(() => undefined);
  await folder?.sync().catch(() => {});
  await folder?.close();
}

/**
 * One process at a time. The lock is a folder that holds one file, the new text's draft, under a name that nobody else has: a folder
 * is renamed onto another only if that is empty, so one of all who try gets in. Who finds it old removes the draft by its name, and so
 * never another's that has come meanwhile; and whoever still writes to a draft that was removed has nothing left to rename.
 */
async function withDraft<T>(lock: string, run: (draft: string) => Promise<T>): Promise<T> {
  const mine = `${lock}.${randomBytes(8).toString('hex')}`;
  const draft = join(lock, basename(mine));
  try {
    await fs.mkdir(mine, 0o700);
    await (await fs.open(join(mine, basename(mine)), 'wx', 0o600)).close();
    for (let tries = 1; !(await enter(mine, lock)); tries += 1) {
      if (tries > TRIES)
        throw unavailable(
          `Another process is changing the key file, or died less than ${DEAD / 1000} seconds ago while it did; try again.`,
        );
      if (!(await removeDead(lock))) await setTimeout(PAUSE);
    }
    return await run(draft);
  } finally {
    await fs.rm(mine, { recursive: true, force: true });
    await fs.unlink(draft).catch(() => {});
    await fs.rmdir(lock).catch(() => {});
  }
}

async function enter(mine: string, lock: string): Promise<boolean> {
  // Windows renames onto no folder, be it empty.
  await fs.rmdir(lock).catch(() => {});
  return fs.rename(mine, lock).then(
    () => true,
    () => false,
  );
}

/**
 * Whether there was a lock that a process has left. By its age: a process's number is soon another's, and says nothing elsewhere. Whoever
 * may write to the folder may put anything in the lock's place: nothing is removed but what has a draft's name.
 */
async function removeDead(lock: string): Promise<boolean> {
  const stats = await fs.lstat(lock).catch(() => undefined);
  if (!stats) return false;
  const names = stats.isDirectory() ? await fs.readdir(lock).catch(() => []) : [''];
  const draft = (name: string) => /^\.[0-9a-f]{16}$/.test(name.replace(basename(lock), ''));
  // A file is a lock as well: older versions made one.
  if (!(stats.isFile() || (stats.isDirectory() && names.every(draft))))
    throw new ZonesError(
      'custody_refused',
      `${lock} is a link, or holds what is no draft of a key file: somebody else has put it there; see who may write to the folder, and take it away.`,
    );
  requireOurs(stats, `lock of the key file, ${lock},`);
  const removed = names.map(async (name) => {
    const file = join(lock, name);
    const dead = ageAt(Date.now(), (await fs.lstat(file)).mtimeMs) > DEAD;
    if (dead) await fs.unlink(file);
    return dead;
  });
  return (await Promise.allSettled(removed)).some((each) => each.status === 'fulfilled' && each.value);
}

const codeOf = (error: unknown): unknown => Object(error).code ?? 'no code';

const unavailable = (message: string, cause?: unknown): ZonesError =>
  new ZonesError('custody_unavailable', message, { cause, facts: { custody: 'file:' } });
