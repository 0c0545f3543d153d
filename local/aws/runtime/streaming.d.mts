import type { ClientRequest } from 'node:http';
import type { Writable } from 'node:stream';

/** The global as handlers find it. */
export const awslambda: {
  streamifyResponse<T>(handler: T): T;
  HttpResponseStream: { from(stream: Writable, head: Record<string, unknown>): Writable };
};
/** Whether a handler was wrapped by `awslambda.streamifyResponse`. */
export function isStreaming(handler: unknown): boolean;
/** The stream for one invocation. `post` opens the request to the Runtime API; it is sent with the first write. */
export function openResponseStream(post: (headers: Record<string, unknown>) => ClientRequest): {
  stream: Writable;
  fail(error: { errorType: string }): void;
};
