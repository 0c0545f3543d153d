import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { type ProxyHead, readProxyHead } from './proxy-result.ts';

const SEPARATOR = Buffer.alloc(8);
/** Bytes within which API Gateway must find the separator. */
const MAX_HEAD = 16 * 1024;

/** An answer that is passed on as it comes. */
export interface StreamedAnswer {
  /** Takes the next piece; resolves when the client has room for more. Does not throw. */
  take(piece: Buffer): Promise<void>;
  /** Status of the answer, once its head is sent; stays undefined for a head that API Gateway would not take. */
  status(): number | undefined;
}

/**
 * The answer of a Lambda proxy integration with response streaming: JSON with status and headers, eight NUL bytes, and the body.
 * A client that goes away does not end the function: what it still writes is read and dropped, as on AWS.
 */
export function openStreamedAnswer(
  response: ServerResponse,
  writeHead: (head: ProxyHead) => void,
): StreamedAnswer {
  let begun = Buffer.alloc(0);
  let status: number | undefined;
  let unusable = false;

  /** What follows the head in a piece; nothing before the head is whole. */
  function afterHead(piece: Buffer): Buffer | undefined {
    if (status !== undefined) return piece;
    begun = Buffer.concat([begun, piece]);
    const end = begun.subarray(0, MAX_HEAD).indexOf(SEPARATOR);
    unusable = end < 0 && begun.length >= MAX_HEAD;
    if (end < 0) return undefined;
    try {
      const head = readProxyHead(begun.subarray(0, end));
      writeHead(head);
      status = head.status;
    } catch {
      // No such head, or a refusal (the integration timed out) is out already.
      unusable = true;
    }
    return begun.subarray(end + SEPARATOR.length);
  }

  return {
    status: () => status,
    async take(piece) {
      const body = unusable ? undefined : afterHead(piece);
      if (body === undefined || body.length === 0 || unusable) return;
      if (response.destroyed || response.write(body)) return;
      const room = new AbortController();
      const heard = ['drain', 'close'].map((event) => once(response, event, { signal: room.signal }));
      await Promise.race(heard).catch(() => {});
      room.abort();
    },
  };
}
