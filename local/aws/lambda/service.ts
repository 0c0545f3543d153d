import { objectOf, parseJson } from '../../../infra/proof/assembly/json.ts';
import type { Call } from '../call.ts';
import type { AwsContext } from '../context.ts';
import { AwsError, notImplemented, type WireResponse, writeRestError } from '../errors.ts';
import type { Emulator } from '../operation.ts';
import type { Sink } from '../runtime/instance.ts';
import type { FunctionPool, Invoked, RunnableFunction } from '../runtime/pool.ts';
import { MAX_PAYLOAD } from '../runtime/runtime-api.ts';
import type { WireRequest } from '../sigv4.ts';
import type { EventSource } from '../template/resources.ts';
import { pollQueue } from './event-source.ts';

const PATH = /^\/2015-03-31\/functions\/([^/?]+)\/invocations$/;
const CONCURRENCY = /^\/2017-10-31\/functions\/([^/?]+)\/concurrency$/;
/**
 * The local Lambda: `Invoke` (RequestResponse), `PutFunctionConcurrency` and `DeleteFunctionConcurrency`, by which an operator cuts a function off and opens it again, and the event source mappings that it polls queues for.
 * Everything else is refused in Lambda's error shape.
 */
export function startLambda(eventSources: readonly EventSource[], context: AwsContext): Emulator {
  const controller = new AbortController();
  const polling = eventSources.map((source) => pollQueue(context, source, controller.signal));
  return {
    name: 'lambda',
    matches: ({ target }) => /^\/20\d\d-\d\d-\d\d\/functions/.test(target),
    operation: ({ method, target }) =>
      PATH.test(target)
        ? 'Invoke'
        : (CONCURRENCY.test(target) && CHANGES[method]) || `${method} ${target.split('?')[0]}`,
    async answer(request, call) {
      const [, name] = CONCURRENCY.exec(request.target) ?? [];
      const action = name && CHANGES[request.method];
      if (!action) return answerInvoke(context, request, call);
      const of = context.functions.find(decodeURIComponent(name));
      call.require({ action: `lambda:${action}`, resource: of.arn, context: {} });
      return setConcurrency(of, request);
    },
    writeError: writeRestError,
    async close() {
      controller.abort();
      // The pollers wait for the batches that functions work on, which end with the processes.
      await context.pool.close();
      await Promise.all(polling);
    },
  };
}

/** What becomes of a function's concurrency, by method. */
const CHANGES: Readonly<Record<string, string>> = {
  PUT: 'PutFunctionConcurrency',
  DELETE: 'DeleteFunctionConcurrency',
};

function setConcurrency(of: RunnableFunction, { method, body }: WireRequest): WireResponse {
  if (method === 'DELETE') {
    of.reservedConcurrency = undefined;
    return { status: 204, headers: {}, body: '' };
  }
  const { ReservedConcurrentExecutions: wanted } = objectOf(parseJson(Buffer.from(body).toString()));
  if (typeof wanted !== 'number' || !Number.isInteger(wanted) || wanted < 0)
    throw userError('InvalidParameterValueException', 'ReservedConcurrentExecutions is no such number', 400);
  of.reservedConcurrency = wanted;
  const answer = JSON.stringify({ ReservedConcurrentExecutions: wanted });
  return { status: 200, headers: { 'content-type': 'application/json' }, body: answer };
}

async function answerInvoke({ invoke }: AwsContext, request: WireRequest, call: Call): Promise<WireResponse> {
  const [, encoded] = PATH.exec(request.target) ?? [];
  if (encoded === undefined || request.method !== 'POST')
    throw notImplemented(`lambda ${request.method} ${request.target}`);
  const type = request.headers['x-amz-invocation-type'] ?? 'RequestResponse';
  const payload = request.body.length === 0 ? Buffer.from('{}') : Buffer.from(request.body);
  if (type !== 'RequestResponse') throw notImplemented(`lambda Invoke of type ${type}`);
  if (payload.length > MAX_PAYLOAD) {
    const message = `Request must be smaller than ${MAX_PAYLOAD} bytes for the InvokeFunction operation`;
    throw userError('RequestTooLargeException', message, 413);
  }
  if (parseJson(payload.toString()) === undefined) {
    const message = 'Could not parse request body into json: Could not parse payload into json';
    throw userError('InvalidRequestContentException', message, 400);
  }
  const invoked = await invoke(call, decodeURIComponent(encoded), payload);
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    'x-amzn-requestid': invoked.requestId,
    'x-amz-executed-version': '$LATEST',
  };
  if (invoked.functionError !== undefined) headers['x-amz-function-error'] = invoked.functionError;
  if (request.headers['x-amz-log-type'] === 'Tail')
    headers['x-amz-log-result'] = Buffer.from(invoked.logTail).toString('base64');
  return { status: 200, headers, body: invoked.payload };
}

function userError(code: string, message: string, status: number): AwsError {
  return new AwsError(code, message, status, { Type: 'User' });
}

/**
 * Invokes a function for a caller, who must be allowed to. With a `sink` it is an invocation with a response stream, which asks
 * for the same permission.
 * @throws {AwsError} ResourceNotFoundException, AccessDeniedException, TooManyRequestsException
 */
export type Invoke = (call: Call, functionName: string, payload: Buffer, sink?: Sink) => Promise<Invoked>;

/** Finds a function by name or ARN; there are no versions. */
export function createFunctionTable(functions: readonly RunnableFunction[]) {
  return {
    find(functionName: string): RunnableFunction {
      const found = functions.find(({ name, arn }) => name === functionName || arn === functionName);
      if (found !== undefined) return found;
      const message = `Function not found: ${functionName}`;
      throw new AwsError('ResourceNotFoundException', message, 404, { Type: 'User' });
    },
  };
}

/** See {@link createFunctionTable}. */
export type FunctionTable = ReturnType<typeof createFunctionTable>;

/** Asks for `lambda:InvokeFunction` on the unqualified ARN. */
export function requireInvoke(call: Call, { arn }: Pick<RunnableFunction, 'arn'>): void {
  call.require({ action: 'lambda:InvokeFunction', resource: arn, context: { 'lambda:FunctionArn': arn } });
}

/** The {@link Invoke} over a pool. */
export function createInvoke(functions: FunctionTable, pool: FunctionPool): Invoke {
  return async (call, functionName, payload, sink) => {
    const of = functions.find(functionName);
    requireInvoke(call, of);
    return pool.invoke(of, payload, sink);
  };
}
