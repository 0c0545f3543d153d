import type { FunctionPool, RunnableFunction } from '../runtime/pool.ts';
import type { Trail } from '../trail.ts';

/** Asynchronous invocations: accepted at once, worked on later. */
export interface AsyncInvocations {
  enqueue(of: RunnableFunction, payload: Buffer): void;
  close(): void;
}

/** Milliseconds before the second and the third try, as on AWS. */
const RETRY_DELAYS = [60_000, 120_000];

/**
 * Lambda's queue for asynchronous invocations: up to two more tries after an error. Kept in memory: what waits when the
 * local system ends is lost, and said so on the trail. Destinations and dead-letter queues of functions are not served.
 */
export function createAsyncInvocations(
  pool: FunctionPool,
  trail: Trail,
  delays = RETRY_DELAYS,
): AsyncInvocations {
  const timers = new Map<NodeJS.Timeout, string>();
  const note = (of: RunnableFunction, fields: Record<string, unknown>) =>
    trail.add({ kind: 'platform', function: of.name, fields: { event: 'async-invocation', ...fields } });

  async function attempt(of: RunnableFunction, payload: Buffer, tried: number): Promise<void> {
    const error = await pool.invoke(of, payload).then(
      ({ functionError }) => functionError,
      (cause: unknown) => String(cause),
    );
    if (error === undefined) return;
    const delay = delays[tried];
    if (delay === undefined) {
      note(of, { error, outcome: 'given up' });
      return;
    }
    note(of, { error, outcome: 'tried again', after: delay });
    const timer = setTimeout(() => {
      timers.delete(timer);
      void attempt(of, payload, tried + 1);
    }, delay);
    timers.set(timer, of.name);
  }

  return {
    enqueue: (of, payload) => void attempt(of, payload, 0),
    close() {
      for (const [timer, name] of timers) {
        clearTimeout(timer);
        trail.add({
          kind: 'platform',
          function: name,
          fields: { event: 'async-invocation', outcome: 'lost' },
        });
      }
      timers.clear();
    },
  };
}
