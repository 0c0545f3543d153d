import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isZonesError, ZonesError } from '@helseid-zones/protocol/errors';
import { listen } from '../aws/http.ts';
import { unwritable } from '../aws/state.ts';

/** Bytes that a start takes at least. */
const ROOM = 4_194_304;

/** A port that will be listened on, and the option that moves it. */
export type WantedPort = { port: number; option: '--port' | '--page-port' | '--stand-in-port' };

/**
 * Locks the folder for this process and makes sure that the ports are free, before anything in the folder is touched: a second
 * start must not disturb the first. Returns what gives the folder back.
 * @throws {ZonesError} local_failed: the message says what runs already, or that there is no room to write in
 */
export async function lockDirectory(directory: string, ports: readonly WantedPort[]): Promise<() => void> {
  for (const wanted of ports) await requireFree(wanted, ports);
  const path = join(directory, 'running.json');
  requireNoHolder(path, directory);
  // One that was killed left it behind.
  rmSync(path, { force: true });
  requireRoom(directory);
  try {
    const holder = JSON.stringify({ pid: process.pid, began: beginOf(process.pid) });
    writeFileSync(path, holder, { mode: 0o600, flag: 'wx' });
  } catch (cause) {
    // Another start was faster.
    requireNoHolder(path, directory);
    throw unwritable(path, 'nothing was started', cause);
  }
  return () => rmSync(path, { force: true });
}

function requireNoHolder(path: string, directory: string): void {
  const holder = readHolder(path);
  if (holder !== undefined)
    throw failed(
      `A local system with its state in ${directory} is running (process ${holder}). End it, or choose another folder with --directory.`,
    );
}

/** One after the other: where nothing can be made, as in /proc, `recursive` tries for ever. */
function makeFolder(path: string): void {
  if (existsSync(path)) return;
  makeFolder(dirname(path));
  mkdirSync(path, { mode: 0o700 });
}

/** Begun without room, one part or another would fail in words of its own. */
function requireRoom(directory: string): void {
  const path = join(directory, `room-${process.pid}`);
  try {
    makeFolder(directory);
    writeFileSync(path, Buffer.alloc(ROOM));
    rmSync(path);
  } catch (cause) {
    if (existsSync(path)) rmSync(path);
    throw unwritable(directory, 'nothing was started', cause);
  }
}

async function requireFree({ port, option }: WantedPort, all: readonly WantedPort[]): Promise<void> {
  const other = all.find((one) => one.port === port && one.option !== option);
  const facts = { port };
  if (other !== undefined)
    throw failed(`Port ${port} is wanted twice, by ${option} and ${other.option}: choose others.`, { facts });
  const free = await listen((_, response) => response.end(), port).catch((cause: unknown) => {
    if (!isZonesError(cause) || Object(cause.cause).code !== 'EADDRINUSE') throw cause;
    const options = [...new Set(all.map((one) => one.option))].join(' and ');
    const end = `End it, or choose others with ${options}.`;
    throw failed(`Port ${port} is taken: is another \`npm start\` running? ${end}`, { cause, facts });
  });
  const answer = await fetch(free.url).catch(({ cause }: Error) => cause);
  await free.close();
  // It would run, and nobody could call it.
  const useless = `Browsers and fetch call nothing on port ${port}: choose another with ${option}.`;
  if (Object(answer).message === 'bad port') throw failed(useless, { facts });
}

function failed(message: string, more?: ConstructorParameters<typeof ZonesError>[2]): ZonesError {
  return new ZonesError('local_failed', message, more);
}

/** The process that holds the folder, if it is still there: one that was killed leaves its file behind, and its number to another. */
function readHolder(path: string): number | undefined {
  try {
    const { pid, began } = JSON.parse(readFileSync(path, 'utf8')) as { pid: number; began?: string };
    process.kill(pid, 0);
    return began === beginOf(pid) ? pid : undefined;
  } catch {
    return undefined;
  }
}

/** When a process began, as Linux tells it, where a number is soon another's; elsewhere undefined, and the number alone counts. */
function beginOf(pid: number): string | undefined {
  if (process.platform !== 'linux') return undefined;
  // Behind the name, which may hold anything.
  return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[19];
}
