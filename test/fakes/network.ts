import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import type { Fetch } from '@helseid-zones/client/http';

/** A server of one origin: what it answers to a request for `https://…`. */
export type Handler = (request: Request) => Promise<Response>;

/** https origins on one loopback server: real requests by the real `fetch`, without certificates. */
export interface FakeNetwork {
  /** Sends a request for a mounted origin to its handler; for any other it fails as an unknown host does. */
  fetch: Fetch;
  mount(origin: string, handler: Handler): void;
  /** Every request sent, in order, as `METHOD url`. */
  sent: string[];
  /** The next requests are received and not answered: their connections break, perhaps after these bytes. */
  breakNext(count: number, bytes?: string): void;
  close(): Promise<void>;
}

const ORIGIN = 'x-fake-origin';

export async function createFakeNetwork(): Promise<FakeNetwork> {
  const handlers = new Map<string, Handler>();
  const sent: string[] = [];
  let breaks = 0;
  let last: string | undefined;
  const server = createServer((incoming, outgoing) => {
    if (breaks > 0) {
      breaks -= 1;
      if (last === undefined) incoming.socket.destroy();
      else incoming.socket.end(last);
      return;
    }
    void answer(handlers, incoming, outgoing);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    sent,
    breakNext(count, bytes) {
      breaks = count;
      last = bytes;
    },
    mount: (origin, handler) => handlers.set(origin, handler),
    async fetch(input, init) {
      const url = new URL(input);
      sent.push(`${init?.method ?? 'GET'} ${input}`);
      if (!handlers.has(url.origin)) {
        const cause = Object.assign(new Error(`getaddrinfo ENOTFOUND ${url.hostname}`), {
          code: 'ENOTFOUND',
        });
        throw new TypeError('fetch failed', { cause });
      }
      const headers = new Headers(init?.headers);
      headers.set(ORIGIN, url.origin);
      return fetch(`http://127.0.0.1:${port}${url.pathname}${url.search}`, { ...init, headers });
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The same without a network: requests are handed over. For very many of them. */
export function createDirectNetwork(): FakeNetwork {
  const handlers = new Map<string, Handler>();
  return {
    sent: [],
    mount: (origin, handler) => handlers.set(origin, handler),
    breakNext() {},
    close: async () => {},
    async fetch(input, init) {
      const handler = handlers.get(new URL(input).origin);
      if (handler) return handler(new Request(input, init));
      throw new TypeError('fetch failed', {
        cause: Object.assign(new Error('ENOTFOUND'), { code: 'ENOTFOUND' }),
      });
    },
  };
}

async function answer(
  handlers: ReadonlyMap<string, Handler>,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const origin = String(incoming.headers[ORIGIN]);
  const headers = new Headers();
  for (const [name, values] of Object.entries(incoming.headersDistinct)) {
    if (name !== ORIGIN) for (const value of values ?? []) headers.append(name, value);
  }
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of incoming) chunks.push(Buffer.from(chunk));
  } catch {
    return; // The client went away.
  }
  const method = incoming.method ?? 'GET';
  const body = method === 'GET' || method === 'HEAD' ? null : Buffer.concat(chunks);
  const request = new Request(`${origin}${incoming.url ?? '/'}`, { method, headers, body });
  const response = (await handlers.get(origin)?.(request)) ?? new Response(null, { status: 502 });
  outgoing.writeHead(response.status, [...response.headers].flat());
  if (response.body === null) outgoing.end();
  else Readable.fromWeb(response.body as import('node:stream/web').ReadableStream).pipe(outgoing);
}
