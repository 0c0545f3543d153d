import type { Call } from '../call.ts';
import { AwsError, notImplemented } from '../errors.ts';
import type { WireResponse } from '../json-protocol.ts';
import type { FunctionPool } from '../runtime/pool.ts';
import { MAX_PAYLOAD } from '../runtime/runtime-api.ts';
import type { WireService } from '../service.ts';
import type { WireRequest } from '../sigv4.ts';
import type { AsyncInvocations } from './async.ts';
import { createInvoke, type FunctionTable, requireInvoke } from './invoke.ts';

const PATH = /^\/2015-03-31\/functions\/([^/?]+)\/invocations(?:\?(.*))?$/;
const MAX_ASYNC_PAYLOAD = 1_048_576;

/** The local Lambda API: `Invoke` (RequestResponse, Event, DryRun). Everything else is refused in Lambda's error shape. */
export function createLambda(
  functions: FunctionTable,
  pool: FunctionPool,
  asynchronous: AsyncInvocations,
): WireService {
  const invoke = createInvoke(functions, pool);
  return {
    name: 'lambda',
    matches: ({ target }) =>
      target.startsWith('/2015-03-31/functions') || /^\/20\d\d-\d\d-\d\d\/functions/.test(target),
    operation: ({ method, target }) => (PATH.test(target) ? 'Invoke' : `${method} ${target.split('?')[0]}`),
    async answer(request, call) {
      const [, encoded, query = ''] = PATH.exec(request.target) ?? [];
      if (encoded === undefined || request.method !== 'POST')
        throw notImplemented(`lambda ${request.method} ${request.target}`);
      const name = qualified(decodeURIComponent(encoded), new URLSearchParams(query).get('Qualifier'));
      return answerInvoke({ functions, pool, asynchronous, invoke }, request, call, name);
    },
    writeError: writeLambdaError,
  };
}

interface Parts {
  functions: FunctionTable;
  pool: FunctionPool;
  asynchronous: AsyncInvocations;
  invoke: ReturnType<typeof createInvoke>;
}

async function answerInvoke(
  parts: Parts,
  request: WireRequest,
  call: Call,
  name: string,
): Promise<WireResponse> {
  const type = request.headers['x-amz-invocation-type'] ?? 'RequestResponse';
  const payload = request.body.length === 0 ? Buffer.from('{}') : Buffer.from(request.body);
  const limit = type === 'Event' ? MAX_ASYNC_PAYLOAD : MAX_PAYLOAD;
  if (payload.length > limit) {
    throw new AwsError(
      'RequestTooLargeException',
      `Request must be smaller than ${limit} bytes for the InvokeFunction operation`,
      413,
      { Type: 'User' },
    );
  }
  requireJson(payload);
  if (type === 'RequestResponse') {
    const invoked = await parts.invoke(call, name, payload);
    const tail =
      request.headers['x-amz-log-type'] === 'Tail'
        ? { 'x-amz-log-result': Buffer.from(invoked.logTail).toString('base64') }
        : {};
    return {
      status: 200,
      headers: {
        'content-type': 'application/json',
        'x-amzn-requestid': invoked.requestId,
        'x-amz-executed-version': '$LATEST',
        ...(invoked.functionError === undefined ? {} : { 'x-amz-function-error': invoked.functionError }),
        ...tail,
      },
      body: invoked.payload,
    };
  }
  const of = parts.functions.find(name);
  requireInvoke(call, of);
  if (type !== 'Event' && type !== 'DryRun') {
    throw new AwsError('InvalidParameterValueException', `Unknown invocation type ${type}`, 400, {
      Type: 'User',
    });
  }
  if (type === 'Event') parts.asynchronous.enqueue(of, payload);
  return {
    status: type === 'Event' ? 202 : 204,
    headers: { 'x-amzn-requestid': call.requestId, 'x-amz-executed-version': '$LATEST' },
    body: '',
  };
}

function qualified(name: string, qualifier: string | null): string {
  return qualifier === null ? name : `${name}:${qualifier}`;
}

function requireJson(payload: Buffer): void {
  try {
    JSON.parse(payload.toString());
  } catch {
    throw new AwsError(
      'InvalidRequestContentException',
      'Could not parse request body into json: Could not parse payload into json',
      400,
      { Type: 'User' },
    );
  }
}

/** Lambda's REST-JSON errors: the code in a header, `Message` where access is denied and `message` elsewhere. */
function writeLambdaError(error: AwsError, requestId: string): WireResponse {
  const denied = error.code === 'AccessDeniedException';
  const { deniedAction: _, ...members } = error.members;
  return {
    status: denied ? 403 : error.status,
    headers: {
      'content-type': 'application/json',
      'x-amzn-requestid': requestId,
      'x-amzn-errortype': error.code,
    },
    body: JSON.stringify({ ...members, [denied ? 'Message' : 'message']: error.message }),
  };
}
