import type { Call } from '../call.ts';
import { AwsError } from '../errors.ts';
import type { Sink } from '../runtime/instance.ts';
import type { FunctionPool, Invoked, RunnableFunction } from '../runtime/pool.ts';

/** Invokes a function for a caller, who must be allowed to. Throws `ResourceNotFoundException`, `AccessDeniedException` or `TooManyRequestsException`. With a `sink` it is an invocation with a response stream, which asks for the same permission. */
export type Invoke = (call: Call, functionName: string, payload: Buffer, sink?: Sink) => Promise<Invoked>;

/** Finds a function by name, ARN or partial ARN; `$LATEST` is the only version there is. */
export function createFunctionTable(functions: readonly RunnableFunction[]) {
  const byName = new Map(functions.map((of) => [of.name, of]));
  return {
    list: () => functions,
    find(functionName: string): RunnableFunction {
      const name = /^(?:arn:aws:lambda:[^:]*:)?(?:\d{12}:)?(?:function:)?([^:]+)(?::(.+))?$/.exec(
        functionName,
      );
      const found = byName.get(name?.[1] ?? '');
      const sameArn =
        !functionName.startsWith('arn:') || found?.arn === functionName.replace(/:\$LATEST$/, '');
      if (found === undefined || !sameArn || (name?.[2] !== undefined && name[2] !== '$LATEST')) {
        throw new AwsError('ResourceNotFoundException', `Function not found: ${functionName}`, 404, {
          Type: 'User',
        });
      }
      return found;
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
