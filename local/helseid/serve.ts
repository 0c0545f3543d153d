import type { IncomingMessage, RequestListener } from 'node:http';
import { headersOf, type KeyAndCert, listen, readBody } from '../aws/http.ts';
import { createHttpFaults } from './faults.ts';

/** A request as the API stand-ins read it. */
export interface Call {
  method: string;
  /** The URL that the caller used. */
  url: URL;
  /** As they came, repeated ones apart. */
  headers: [name: string, value: string][];
  /** At most 1 MiB. */
  body: string;
}

/** What an API stand-in answers. */
export interface Answer {
  status: number;
  headers?: Record<string, string>;
  body?: unknown;
}

const MAX_BODY = 1024 * 1024;

/**
 * Serves HTTPS on this machine alone, at `url` (`https://localhost:<port>`). The port is taken at once, so that the URL is known before
 * the listener is. `close` stops listening and drops open connections.
 * @throws {ZonesError} local_failed: the port is taken
 */
export async function serve(tls: KeyAndCert, port: number, listenerOf: (origin: string) => RequestListener) {
  let listener: RequestListener = (_, response) => response.writeHead(503).end();
  const faults = createHttpFaults();
  const answer = faults.wrap((request, response) => listener(request, response));
  const { port: bound, close } = await listen(answer, port, tls);
  const url = `https://localhost:${bound}`;
  try {
    listener = listenerOf(url);
  } catch (error) {
    await close();
    throw error;
  }
  return { url, close, faults };
}

/** A listener around a function from call to answer; bodies are JSON. */
export function answerCalls(origin: string, answer: (call: Call) => Promise<Answer>): RequestListener {
  return async (request, response) => {
    try {
      const result = await answer(await readCall(request, origin));
      const type = result.body === undefined ? {} : { 'content-type': 'application/json' };
      response.writeHead(result.status, { ...type, 'cache-control': 'no-store', ...result.headers });
      response.end(result.body === undefined ? undefined : JSON.stringify(result.body));
    } catch (error) {
      response.writeHead(error instanceof RangeError ? 413 : 500).end();
    }
  };
}

async function readCall(request: IncomingMessage, origin: string): Promise<Call> {
  const body = await readBody(request, MAX_BODY);
  return {
    method: request.method ?? 'GET',
    // Put together, not resolved: a target that begins with `//` would name another host.
    url: new URL(`${origin}${request.url ?? '/'}`),
    headers: headersOf(request),
    body: body.toString('utf8'),
  };
}
