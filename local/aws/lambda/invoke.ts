import type { Call } from '../call.ts';
import { AwsError } from '../errors.ts';
import type { Sink } from '../runtime/instance.ts';
import type { FunctionPool, Invoked, RunnableFunction } from '../runtime/pool.ts';
import type { Trail } from '../trail.ts';

/**
 * Invokes a function for a caller, who must be allowed to. With a `sink` it is an invocation with a response stream, which asks
 * for the same permission.
 * @throws {AwsError} ResourceNotFoundException, AccessDeniedException, TooManyRequestsException
 */
export type Invoke = (call: Call, functionName: string, payload: Buffer, sink?: Sink) => Promise<Invoked>;

/** Finds a function by name or ARN; `$LATEST` is the only version there is. */
export function createFunctionTable(functions: readonly RunnableFunction[]) {
  return {
    find(functionName: string): RunnableFunction {
      const wanted = functionName.replace(/:\$LATEST$/, '');
      const found = functions.find(({ name, arn }) => name === wanted || arn === wanted);
      if (found !== undefined) return found;
      const message = `Function not found: ${functionName}`;
      throw new AwsError('ResourceNotFoundException', message, 404, { Type: 'User' });
    },
  };
}

/** See {@link createFunctionTable}. */
export type FunctionTable = ReturnType<typeof createFunctionTable>;

/** Asks for `lambda:InvokeFunction` on the unqualified ARN. */
export function requireInvoke(call: Call, of: RunnableFunction): void {
  call.require({
    action: 'lambda:InvokeFunction',
    resource: of.arn,
    context: { 'lambda:FunctionArn': of.arn },
  });
}

/** The {@link Invoke} over a pool. */
export function createInvoke(functions: FunctionTable, pool: FunctionPool): Invoke {
  return async (call, functionName, payload, sink) => {
    const of = functions.find(functionName);
    requireInvoke(call, of);
    return pool.invoke(of, payload, sink);
  };
}

/** Asynchronous invocations: accepted at once, worked on later. */
export type AsyncInvocations = ReturnType<typeof createAsyncInvocations>;

/** Milliseconds before the second and the third try, as on AWS. */
const RETRY_DELAYS = [60_000, 120_000];

/**
 * Lambda's queue for asynchronous invocations: up to two more tries after an error. Kept in memory: what waits when the
 * local system ends is lost, and said so on the trail. Destinations and dead-letter queues of functions are not served.
 */
export function createAsyncInvocations(pool: FunctionPool, trail: Trail, delays = RETRY_DELAYS) {
  const timers = new Map<NodeJS.Timeout, string>();
  const note = (name: string, fields: object) =>
    trail.add({ kind: 'platform', function: name, fields: { event: 'async-invocation', ...fields } });

  async function attempt(of: RunnableFunction, payload: Buffer, tried: number): Promise<void> {
    const error = await pool.invoke(of, payload).then(
      ({ functionError }) => functionError,
      (cause: unknown) => String(cause),
    );
    if (error === undefined) return;
    const delay = delays[tried];
    if (delay === undefined) {
      note(of.name, { error, outcome: 'given up' });
      return;
    }
    note(of.name, { error, outcome: 'tried again', after: delay });
    const timer = setTimeout(() => {
      timers.delete(timer);
      void attempt(of, payload, tried + 1);
    }, delay);
    timers.set(timer, of.name);
  }

  return {
    enqueue: (of: RunnableFunction, payload: Buffer) => void attempt(of, payload, 0),
    close(): void {
      for (const [timer, name] of timers) {
        clearTimeout(timer);
        note(name, { outcome: 'lost' });
      }
      timers.clear();
    },
  };
}
