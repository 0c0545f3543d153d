import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Job, Outcome } from './host.ts';

/** A {@link Job} that may take so many milliseconds; with turns, so many for one. */
export interface BoundedJob extends Job {
  limit: number;
}

/**
 * Runs jobs in `workers` processes in `folder` and tells `done` of each; a process that takes longer than its job may is replaced.
 * Takes the next job as a process is free for it, all of them with turns or none.
 * @throws {Error} a process ended by itself
 */
export async function runJobs(
  folder: string,
  workers: number,
  jobs: Iterable<BoundedJob>,
  done: (job: Job, outcome: Outcome | 'timeout') => void,
): Promise<void> {
  const waiting = jobs[Symbol.iterator]();
  await Promise.all(
    Array.from({ length: workers }, async () => {
      let host: ChildProcess | undefined;
      for (let next = waiting.next(); !next.done; next = waiting.next()) {
        const { limit, ...job } = next.value;
        host ??= await startHost(folder, job.turns ? ['--turns'] : []);
        const outcome = await ask(host, job, limit);
        if (outcome === 'timeout') {
          host.kill('SIGKILL');
          host = undefined;
        }
        done(job, outcome);
      }
      host?.disconnect();
    }),
  );
}

/** The end of what each process has said: why it ended, or what the code under test warns of, which nobody needs. */
const said = new WeakMap<ChildProcess, string>();

async function startHost(folder: string, options: string[]): Promise<ChildProcess> {
  const host = fork(resolve(import.meta.dirname, 'host.ts'), options, {
    cwd: folder,
    env: { ...process.env, FULL: '' },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  host.stderr?.on('data', (text) => said.set(host, `${said.get(host) ?? ''}${text}`.slice(-2000)));
  await once(host, 'message');
  return host;
}

function ask(host: ChildProcess, job: Job, limit: number): Promise<Outcome | 'timeout'> {
  const { promise, resolve: answer, reject } = Promise.withResolvers<Outcome | 'timeout'>();
  const ended = () =>
    reject(new Error(`The tests of mutant ${job.mutant} ended the process.\n${said.get(host) ?? ''}`));
  const began = Date.now();
  const since = () => Math.max(began, job.turns ? statSync(job.turns.log).mtimeMs : 0);
  const timer = setInterval(() => Date.now() - since() > limit && answer('timeout'), 500);
  host.once('message', answer).once('exit', ended).send(job);
  return promise.finally(() => {
    clearInterval(timer);
    host.off('message', answer).off('exit', ended);
  });
}
