import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import { planFaults } from '../aws/faults.ts';

/** What becomes of a request to a stand-in; several at once where several are named. */
interface HttpFault {
  /** Milliseconds until it is looked at. */
  slow?: number;
  /** Seconds by which the clock of its `Date` is off. */
  clock?: number;
  /** It is not looked at: answered with this status and no body, or with none at all. */
  status?: number | 'none';
  /** Its answer's body is another one, or breaks off in the middle. */
  body?: ((given: string) => string) | 'half';
}

/** Which requests. */
interface Where {
  method: string;
  /** Without the query. */
  path: string;
}

/** No faults, until some are injected: `wrap` has a listener's requests meet them. */
export function createHttpFaults() {
  const { inject, next } = planFaults<Where, HttpFault>();
  const wrap =
    (listener: RequestListener): RequestListener =>
    async (request, response) => {
      const [path = '/'] = (request.url ?? '/').split('?');
      const fault = next({ method: request.method ?? 'GET', path });
      if (fault === undefined || (await meet(fault, request, response))) listener(request, response);
    };
  return { inject, wrap };
}

/** Whether the listener is still to answer. */
async function meet(fault: HttpFault, request: IncomingMessage, response: ServerResponse): Promise<boolean> {
  const { slow, clock, status, body } = fault;
  if (slow !== undefined) await setTimeout(slow);
  if (clock !== undefined) response.setHeader('date', new Date(Date.now() + 1000 * clock).toUTCString());
  if (status === 'none') request.socket.destroy();
  else if (status !== undefined) response.writeHead(status).end();
  else if (body !== undefined) changeBody(response, body);
  return status === undefined;
}

function changeBody(response: ServerResponse, change: Exclude<HttpFault['body'], undefined>): void {
  const { write, end } = response;
  const chunks: Buffer[] = [];
  const keep = (chunk: unknown) =>
    typeof chunk === 'string' || chunk instanceof Uint8Array ? chunks.push(Buffer.from(chunk)) : 0;
  response.write = (chunk: unknown) => keep(chunk) >= 0;
  response.end = (chunk?: unknown) => {
    keep(chunk);
    Object.assign(response, { write, end });
    const given = Buffer.concat(chunks);
    if (change === 'half') {
      // What was written must have left, or nothing arrives.
      response.write(given.subarray(0, given.length / 2), () => response.socket?.destroySoon());
      return response;
    }
    if (!response.headersSent) response.removeHeader('content-length');
    return response.end(change(given.toString('utf8')));
  };
}
