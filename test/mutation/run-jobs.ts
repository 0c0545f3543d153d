import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import type { Job, Outcome } from './host.ts';

/** A {@link Job} that may take so many milliseconds. */
export interface BoundedJob extends Job {
  limit: number;
}

/**
 * Runs jobs in `workers` processes in `folder` and tells `done` of each; a process that takes longer than its job may is replaced.
 * @throws {Error} a process ended by itself
 */
export async function runJobs(
  folder: string,
  workers: number,
  jobs: readonly BoundedJob[],
  done: (job: Job, outcome: Outcome | 'timeout') => void,
): Promise<void> {
  const waiting = jobs.values();
  await Promise.all(
    Array.from({ length: Math.min(workers, jobs.length) }, async () => {
      let host = await startHost(folder);
      for (const { limit, ...job } of waiting) {
        const outcome = await ask(host, job, limit);
        if (outcome === 'timeout') {
          host.kill('SIGKILL');
          host = await startHost(folder);
        }
        done(job, outcome);
      }
      host.disconnect();
    }),
  );
}

/** The end of what each process has said: why it ended, or what the code under test warns of, which nobody needs. */
const said = new WeakMap<ChildProcess, string>();

async function startHost(folder: string): Promise<ChildProcess> {
  const host = fork(resolve(import.meta.dirname, 'host.ts'), {
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
  const timer = setTimeout(answer, limit, 'timeout');
  host.once('message', answer).once('exit', ended).send(job);
  return promise.finally(() => {
    clearTimeout(timer);
    host.off('message', answer).off('exit', ended);
  });
}
