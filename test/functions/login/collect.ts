import { Writable } from 'node:stream';
import type { StreamingHandler } from '../../../functions/api/stream.ts';
import type { GatewayHandler } from '../../../functions/login-common/serve.ts';
import { awslambda } from '../../../local/aws/runtime/streaming.mjs';

Object.assign(globalThis, { awslambda });

/** What a handler wrote to its stream. */
export interface Streamed {
  head: { statusCode: number; headers: Record<string, string> };
  chunks: Buffer[];
}

/** Lambda's stream of a response, in memory; `onChunk` sees each piece as it comes. */
export function openStream(onChunk: (chunk: Buffer) => void = () => undefined) {
  const chunks: Buffer[] = [];
  let prelude = Buffer.alloc(0);
  const stream = new Writable({
    write(chunk: Buffer, _, done) {
      chunks.push(chunk);
      onChunk(chunk);
      done();
    },
  });
  Object.assign(stream, {
    setContentType: () => undefined,
    setPrelude(bytes: Buffer) {
      prelude = Buffer.from(bytes);
    },
  });
  const read = (): Streamed => ({ head: JSON.parse(prelude.subarray(0, -8).toString()), chunks });
  return { stream, read };
}

/** A streaming handler as one that answers whole, for tests that look at the whole. Bytes that are no UTF-8 go as base64. */
export function collect(handler: StreamingHandler): GatewayHandler {
  return async (event) => {
    const { stream, read } = openStream();
    await handler(event, stream);
    const { head, chunks } = read();
    const bytes = Buffer.concat(chunks);
    const isBase64Encoded = !Buffer.from(bytes.toString()).equals(bytes);
    return { ...head, body: bytes.toString(isBase64Encoded ? 'base64' : 'utf8'), isBase64Encoded };
  };
}
