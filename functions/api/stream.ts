import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { type ErrorCode, ZonesError } from '@helseid-zones/protocol/errors';
import type { APIGatewayProxyEvent } from 'aws-lambda';
import { type Answer, renderHead } from '../login-common/answer.ts';
import type { Dependencies } from '../login-common/dependencies.ts';
import { answerEvent, type Handle } from '../login-common/serve.ts';

/** An answer whose body may still be on its way. */
export interface StreamedAnswer extends Omit<Answer, 'body'> {
  body?: Answer['body'] | Streamed;
}

/** A body on its way. */
export interface Streamed {
  source: ReadableStream<Uint8Array>;
  /** Aborted when all of it must have been passed on. */
  until: AbortSignal;
}

/** A handler behind `awslambda.streamifyResponse`. The runtime's stream has a `Writable`'s methods, but is none. */
export type StreamingHandler = (event: APIGatewayProxyEvent, stream: Writable) => Promise<void>;

/**
 * Makes a handler that streams: the head as soon as it is known, then the body as it comes. An error before the head becomes an
 * answer as everywhere. After it nothing but the end can tell: the handler throws, so that Lambda reports an error and the
 * gateway breaks the answer off; the browser sees that it is not whole. It throws `api_unreachable` where the API broke off,
 * and `request_aborted` where the reader went away or the time was over.
 */
export function serveStreaming(deps: Dependencies, handle: Handle<StreamedAnswer>): StreamingHandler {
  return async (event, stream) => {
    const { body, ...head } = await answerEvent<StreamedAnswer>(deps, handle, event);
    const out = awslambda.HttpResponseStream.from(stream, { ...renderHead(head) });
    // The head goes with the first write, also where there is no body.
    out.write('');
    if (typeof body === 'string') out.write(body);
    const broken = typeof body === 'object' ? await pass(body, out) : undefined;
    if (broken) {
      const request = event.requestContext?.requestId ?? '-';
      deps.log('warn', 'answer.broken_off', { request, status: head.status, by: broken });
      throw new ZonesError(...BROKEN[broken]);
    }
    out.end();
  };
}

/** Who an answer broke off by. */
type Breaker = 'api' | 'reader' | 'deadline';

const BROKEN: Readonly<Record<Breaker, [ErrorCode, string]>> = {
  api: ['api_unreachable', 'The API broke off its answer; what came was passed on.'],
  reader: ['request_aborted', 'The reader of the answer went away before its end.'],
  deadline: ['request_aborted', 'The answer was not passed on whole in its time; what came was.'],
};

/** Passes a body on; tells by whom it was broken off. Then nothing waits any more, and the source is let go. */
async function pass({ source, until }: Streamed, out: Writable): Promise<Breaker | undefined> {
  const gone = new AbortController();
  for (const event of ['close', 'error']) out.once(event, () => gone.abort());
  if (out.destroyed) gone.abort();
  const over = AbortSignal.any([gone.signal, until]);
  const reader = source.getReader();
  // A read that waits ends with it. (`pipeTo` of Node 24 leaves the source open when it is aborted while a write waits.)
  const letGo = () => void reader.cancel().catch(() => undefined);
  over.addEventListener('abort', letGo);
  if (over.aborted) letGo();
  try {
    for (let piece = await reader.read(); !piece.done; piece = await reader.read())
      if (!out.write(piece.value)) await once(out, 'drain', { signal: over });
  } catch {
    if (!over.aborted) return 'api';
  }
  if (!over.aborted) return undefined;
  return gone.signal.aborted ? 'reader' : 'deadline';
}
