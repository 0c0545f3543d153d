import { request } from 'node:https';
import { Readable } from 'node:stream';
import type { Fetch } from '../client/http.ts';

/**
 * A `fetch` that trusts the local CA beside Node's own: this process began before there was one, and Node reads
 * `NODE_EXTRA_CA_CERTS` only once. https only; redirects are handed back; bodies are text or bytes.
 */
export function createTrustingFetch(caPem: string): Fetch {
  return (input, init = {}) =>
    new Promise((resolve, reject) => {
      const headers = Object.fromEntries(new Headers(init.headers));
      const sent = request(
        input,
        { method: init.method ?? 'GET', headers, ca: caPem, ...(init.signal ? { signal: init.signal } : {}) },
        (incoming) => {
          const { statusCode = 500, rawHeaders } = incoming;
          const received = new Headers();
          for (let index = 0; index < rawHeaders.length; index += 2) {
            received.append(rawHeaders[index] ?? '', rawHeaders[index + 1] ?? '');
          }
          const empty = [204, 205, 304].includes(statusCode);
          if (empty) incoming.resume();
          const body = empty ? null : (Readable.toWeb(incoming) as ReadableStream<Uint8Array>);
          resolve(new Response(body, { status: statusCode, headers: received }));
        },
      );
      sent.on('error', reject);
      const { body } = init;
      if (body instanceof URLSearchParams)
        sent.setHeader('content-type', 'application/x-www-form-urlencoded');
      sent.end(
        body === null || body === undefined ? undefined : body instanceof Uint8Array ? body : String(body),
      );
    });
}
