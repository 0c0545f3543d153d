import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { listen, readBody } from '../http.ts';

/** Lambda's limit for a synchronous payload. */
export const MAX_PAYLOAD = 6_291_556;

/** One invocation, as the Runtime API hands it to a runtime. */
export interface Invocation {
  requestId: string;
  payload: Buffer;
  /** Epoch milliseconds. */
  deadline: number;
  functionArn: string;
  traceId: string;
}

/** What a runtime does at the Runtime API. */
interface RuntimeListener {
  /** It asks for work; `deliver` answers it, once. */
  next(deliver: (invocation: Invocation) => void): void;
  /**
   * It answers: `chunks` end where the answer does, and fail where the runtime goes away. `failure` is, once they have ended, the
   * error that the runtime put into the trailers, as the payload of an error. Resolves when all is read.
   */
  response(id: string, chunks: AsyncIterable<Buffer>, failure: () => Buffer | undefined): Promise<void>;
  error(id: string, payload: Buffer): void;
  initError(payload: Buffer): void;
}

/** The Runtime API of all functions, each behind an address that only it is told. */
export type RuntimeApi = Awaited<ReturnType<typeof startRuntimeApi>>;

/** Serves the Lambda Runtime API (2018-06-01) on the loopback. Does not serve extensions. */
export async function startRuntimeApi() {
  const listeners = new Map<string, RuntimeListener>();
  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, token = '', next, requestId = '', what] = ROUTE.exec(request.url ?? '') ?? [];
    const listener = listeners.get(token);
    if (listener === undefined) return void response.writeHead(403).end();
    if (next !== undefined)
      return listener.next((invocation) => {
        const headers = {
          'content-type': 'application/json',
          'lambda-runtime-aws-request-id': invocation.requestId,
          'lambda-runtime-deadline-ms': String(invocation.deadline),
          'lambda-runtime-invoked-function-arn': invocation.functionArn,
          'lambda-runtime-trace-id': invocation.traceId,
        };
        response.writeHead(200, headers).end(invocation.payload);
      });
    if (what === 'response') await listener.response(requestId, request, () => readFailure(request));
    else {
      const body = await readBody(request, 4 * MAX_PAYLOAD);
      if (what === 'error') listener.error(requestId, body);
      else listener.initError(body);
    }
    response.writeHead(202).end();
  }

  const server = await listen(
    (request, response) => void serve(request, response).catch(() => response.destroy()),
  );
  return {
    /** The `AWS_LAMBDA_RUNTIME_API` of a new runtime. */
    register(listener: RuntimeListener) {
      const token = randomBytes(16).toString('hex');
      listeners.set(token, listener);
      return { address: `127.0.0.1:${server.port}/${token}`, unregister: () => void listeners.delete(token) };
    },
    close: server.close,
  };
}

const ROUTE =
  /^\/([0-9a-f]{32})\/2018-06-01\/runtime\/(?:(invocation\/next)|invocation\/([^/]+)\/(response|error)|(init\/error))$/;

function readFailure({ trailers }: IncomingMessage): Buffer | undefined {
  if (trailers['lambda-runtime-function-error-type'] === undefined) return undefined;
  return Buffer.from(trailers['lambda-runtime-function-error-body'] ?? '', 'base64');
}
