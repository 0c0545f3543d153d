import { once } from 'node:events';
import type { Writable } from 'node:stream';
import type { APIGatewayProxyEvent } from 'aws-lambda';
import { ZonesError } from '../../client/errors.ts';
import { type Answer, renderHead } from '../login-common/answer.ts';
import type { Dependencies } from '../login-common/dependencies.ts';
import type { GatewayRequest } from '../login-common/request.ts';
import { answerEvent } from '../login-common/serve.ts';

/** An answer whose body may still be on its way. */
export interface StreamedAnswer extends Omit<Answer, 'body'> {
  body?: Answer['body'] | ReadableStream<Uint8Array>;
}

/** A handler behind `awslambda.streamifyResponse`. The runtime's stream has a `Writable`'s methods, but is none. */
export type StreamingHandler = (event: APIGatewayProxyEvent, stream: Writable) => Promise<void>;

/**
 * Makes a handler that streams: the head as soon as it is known, then the body as it comes. An error before the head becomes an
 * answer as everywhere. After it nothing but the end can tell: the handler throws `api_unreachable`, so that Lambda
 * reports an error and the gateway breaks the answer off; the browser sees that it is not whole.
 */
export function serveStreaming(
  deps: Dependencies,
  handle: (deps: Dependencies, request: GatewayRequest) => Promise<StreamedAnswer>,
): StreamingHandler {
  return async (event, stream) => {
    const { body, ...head } = await answerEvent<StreamedAnswer>(deps, handle, event);
    const out = awslambda.HttpResponseStream.from(stream, { ...renderHead(head) });
    // The head goes with the first write, also where there is no body.
    out.write('');
    try {
      if (body instanceof ReadableStream) await pass(body, out);
      else if (body !== undefined) out.write(body);
    } catch {
      const request = event.requestContext?.requestId ?? '-';
      deps.log({ level: 'warn', code: 'answer.broken_off', request, facts: { status: head.status } });
      throw new ZonesError('api_unreachable', 'The API broke off its answer; what came was passed on.');
    }
    out.end();
  };
}

async function pass(body: ReadableStream<Uint8Array>, out: Writable): Promise<void> {
  for await (const chunk of body) if (!out.write(chunk)) await once(out, 'drain');
}
