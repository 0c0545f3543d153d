import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { ZonesError } from '@helseid-zones/protocol/errors';
import { inTrace, TRACE_HEADER } from './trace.ts';

/** A key and its certificate, PEM. */
export type KeyAndCert = { key: string; cert: string };

/** A server that listens on the loopback, with its `url` (`http://127.0.0.1:<port>`, or `https:`). */
export type Listening = Awaited<ReturnType<typeof listen>>;

/**
 * Reads a request's body.
 * @throws {RangeError} it is over `limit` bytes
 */
export async function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limit) throw new RangeError(`the body is over ${limit} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/**
 * Reads a request as its signature covers it.
 * @throws {RangeError} its body is over `limit` bytes
 */
export async function readRequest(incoming: IncomingMessage, limit: number) {
  const { method = 'GET', url: target = '/', headersDistinct } = incoming;
  const joined = Object.entries(headersDistinct).map(([name, values = []]) => [name, values.join(', ')]);
  const headers: Record<string, string> = Object.fromEntries(joined);
  return { method, target, headers, body: await readBody(incoming, limit) };
}

/**
 * Listens on the loopback only, with TLS where there is a key, and answers each request in its trace. `port` 0 takes a free one.
 * @throws {ZonesError} local_failed: the port is taken
 */
export async function listen(answer: RequestListener, port = 0, tls?: KeyAndCert) {
  const handler: RequestListener = (request, response) =>
    inTrace(request.headers[TRACE_HEADER], Date.now(), () => answer(request, response));
  const options = { keepAliveTimeout: 60_000 };
  const server: Server = tls
    ? createTlsServer({ ...options, ...tls, minVersion: 'TLSv1.2' }, handler)
    : createServer(options, handler);
  // Node knows of those only that have sent something: one in the middle of TLS's handshake would keep the server open for good.
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const message = `Can't listen on port ${port}: ${cause.message}`;
      reject(new ZonesError('local_failed', message, { cause, facts: { port } }));
    });
    server.listen(port, '127.0.0.1', resolve);
  });
  const bound = (server.address() as AddressInfo).port;
  return {
    port: bound,
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${bound}`,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** Every header of a request, as it came: what Node joins or drops is still apart. */
export function headersOf({ rawHeaders }: IncomingMessage): [name: string, value: string][] {
  return rawHeaders.flatMap((name, i): [string, string][] =>
    i % 2 === 0 ? [[name, rawHeaders[i + 1] ?? '']] : [],
  );
}
