import { connect } from 'node:net';
import type { RawRequest } from './request.ts';

/** An answer as it came, headers and body apart. */
export interface RawAnswer {
  /** 0 where the server said nothing. */
  status: number;
  head: string;
  body: string;
}

/** Milliseconds of silence after which the sending side ends: a request that is not whole waits for more. */
const SILENCE = 1000;
/** Milliseconds of silence after that: far beyond what any answer takes. */
const PATIENCE = 30_000;
const MAX_ANSWER = 16 * 1024 * 1024;

/** The request's bytes, for a connection of its own. */
export function writeRequest({ method, target, headers, body }: RawRequest): Buffer {
  const lines = [...headers, ['Connection', 'close'] as const].map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  return Buffer.from(`${method} ${target} HTTP/1.1\r\n${lines.join('')}\r\n${body}`, 'latin1');
}

/**
 * Whether a server has all that it can wait for: a head, and a body as long as is said. What asks for a tunnel, and what says its
 * length in two ways or none, is not.
 */
export function isWhole(bytes: Buffer): boolean {
  const [head = '', ...rest] = bytes.toString('latin1').split('\r\n\r\n');
  const lengths = [...head.matchAll(/^content-length:[ \t]*(.*?)[ \t]*\r?$/gim)].map(([, length]) => length);
  const [length = '0'] = lengths;
  const told = lengths.length < 2 && /^\d+$/.test(length) && !/^(CONNECT |transfer-encoding:)/im.test(head);
  return rest.length > 0 && told && rest.join('\r\n\r\n').length >= Number(length);
}

/** Sends bytes on a connection of its own and reads what comes back until its end. Rejects where there is none. */
export function sendBytes(port: number, bytes: Buffer): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    const wait = () =>
      socket.setTimeout(PATIENCE, () => {
        socket.destroy();
        reject(new Error('no end of the answer'));
      });
    // What is whole is not ended: a server that is slow would take it for somebody who has gone.
    if (isWhole(bytes)) wait();
    else
      socket.setTimeout(SILENCE, () => {
        socket.end();
        wait();
      });
    socket.on('data', (chunk) => {
      size += chunk.length;
      if (size > MAX_ANSWER) socket.destroy();
      chunks.push(chunk);
    });
    // A server that refuses early may reset the connection; what it said before that counts.
    socket.on('error', () => {});
    socket.on('close', () => resolve(readAnswer(Buffer.concat(chunks).toString('latin1'))));
  });
}

function readAnswer(text: string): RawAnswer {
  // `100 Continue` goes before the answer.
  const whole = text.replace(/^HTTP\/1\.1 100 .*\r\n\r\n/, '');
  const end = whole.indexOf('\r\n\r\n');
  const head = end < 0 ? whole : whole.slice(0, end);
  const body = end < 0 ? '' : whole.slice(end + 4);
  return {
    status: Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1] ?? 0),
    head: head.toLowerCase(),
    body: /\r\ntransfer-encoding: chunked/i.test(head) ? joinChunks(body) : body,
  };
}

function joinChunks(body: string): string {
  const [, size = '0', rest = ''] = /^([0-9a-f]+)\r\n(.*)$/is.exec(body) ?? [];
  const length = Number.parseInt(size, 16);
  return length === 0 ? '' : rest.slice(0, length) + joinChunks(rest.slice(length + 2));
}
