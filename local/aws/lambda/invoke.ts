import type { Call } from '../call.ts';
import { AwsError } from '../errors.ts';
import type { Sink } from '../runtime/instance.ts';
import type { FunctionPool, Invoked, RunnableFunction } from '../runtime/pool.ts';

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
