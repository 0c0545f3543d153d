import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/**
 * How a process that npm started is told that npm has ended: npm hands a signal to its shell alone, and many a shell dies of it
 * without a word, or is left behind and waits for us. Returns whether the parent of now and npm above it are still there. To be called
 * before anything else, while they are; undefined where npm did not start this process. On Windows only the parent is known.
 */
export function watchNpm(): (() => boolean) | undefined {
  if (process.env['npm_lifecycle_event'] === undefined) return undefined;
  const parent = process.ppid;
  const npm = aboveShells(parent);
  return () => process.ppid === parent && isThere(npm);
}

/** The process itself, or the nearest above it that is no shell. */
function aboveShells(pid: number): number {
  const { command, parent } = describeProcess(pid) ?? {};
  return parent !== undefined && /sh$/.test(command ?? '') ? aboveShells(parent) : pid;
}

function describeProcess(pid: number): { command: string; parent: number } | undefined {
  try {
    // Linux without procps has no ps, and other systems have no /proc.
    const [, command = '', parent] =
      process.platform === 'linux'
        ? (/^\d+ \((.*)\) \S (\d+)/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [])
        : (/^(?=\s*\d+\s+(.*\S))\s*(\d+)/.exec(
            execFileSync('ps', ['-o', 'ppid=,comm=', '-p', `${pid}`], { encoding: 'utf8' }),
          ) ?? []);
    return parent === undefined ? undefined : { command, parent: Number(parent) };
  } catch {
    return undefined;
  }
}

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
