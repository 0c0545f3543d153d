import { isZonesError, ZonesError } from '@helseid-zones/protocol/errors';
import { parseJson } from '@helseid-zones/protocol/values';
import type { NetworkFacts } from './errors.ts';

/** `fetch`, replaceable. */
export type Fetch = (input: string, init?: RequestInit) => Promise<Response>;

/** How an issuer's documents are asked for. */
export interface Transport {
  fetch: Fetch;
  /** Epoch milliseconds. */
  now: () => number;
  /** Milliseconds that one request may take. */
  timeout: number;
}

/**
 * Runs `run` with a signal that fires after `milliseconds`, or when `signal` does. The deadline ends with `run`: a body
 * that `run` hands back unread may take as long as its reader likes, and still obeys `signal`.
 */
export async function withDeadline<T>(
  milliseconds: number,
  signal: AbortSignal | undefined,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted();
  const deadline = new AbortController();
  const stop = () => deadline.abort(new DOMException(`No answer within ${milliseconds} ms.`, 'TimeoutError'));
  const timer = setTimeout(stop, milliseconds);
  try {
    return await run(signal ? AbortSignal.any([signal, deadline.signal]) : deadline.signal);
  } catch (error) {
    throw withoutAnswer(error);
  } finally {
    clearTimeout(timer);
  }
}

/** Waits for `promise`, or throws `request_aborted` as soon as `signal` fires; what the promise stands for goes on. */
export async function untilAborted<T>(promise: Promise<T>, signal?: AbortSignal): Promise<T> {
  if (!signal) return promise;
  // Nobody may be left waiting for it.
  promise.catch(() => {});
  const done = new AbortController();
  const aborted = new Promise<never>((_, reject) => {
    const stop = () => reject(abortError(signal));
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { signal: done.signal });
  });
  return Promise.race([aborted, promise]).finally(() => done.abort());
}

/**
 * The same answer with its body read already, so that nothing more comes over the network.
 * @throws {RangeError} as {@link readBody}
 */
export async function readWhole(answer: Response): Promise<Response> {
  const { status, headers } = answer;
  const body = await readBody(answer);
  return new Response(body.length > 0 ? body : null, { status, headers });
}

/** An answer's body as JSON; undefined where it is none. */
export const readJson = async (answer: Response): Promise<unknown> =>
  parseJson(await answer.text().catch(() => ''));

/** The error for a caller's own abort. */
export function abortError(signal: AbortSignal): ZonesError {
  const message = 'The request was aborted by its caller.';
  return new ZonesError('request_aborted', message, { cause: signal.reason });
}

/** Statuses of the 4xx that are about the sender or the moment (RFC 9110 15.5, RFC 6585, RFC 8470), as all 5xx are. */
const MOMENTARY = [401, 403, 407, 408, 425, 429];

/** Whether an answer of this status says nothing about what was asked for: somebody on the way refused, or can't just now. */
export const isMomentary = (status: number): boolean => status >= 500 || MOMENTARY.includes(status);

/** What a caller may believe of a request that got no answer: without a connection nothing was sent. */
export function tellFate({ network, network_code: code }: NetworkFacts): string {
  if (network === 'proxy')
    return `its proxy refused the way there (${code}${code === '407' ? ': it wants credentials, which it must do without' : ''}), so nothing was sent`;
  if (network === 'name') return 'its name was not found, so nothing was sent';
  if (network === 'certificate') return 'its certificate is not trusted, so nothing was sent';
  return 'what it did is not known';
}

/** Bytes of an issuer's answer that are read: its metadata, keys and tokens are some kilobytes. */
const MAX_ANSWER = 1024 * 1024;

/**
 * An answer's whole body.
 * @throws {RangeError} it is longer than `most` bytes; no more of it is read
 */
export async function readBody(response: Response, most = MAX_ANSWER): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of response.body ?? []) {
      size += chunk.byteLength;
      if (size > most) throw new RangeError(`The answer is longer than ${most} bytes.`);
      chunks.push(chunk);
    }
  } catch (error) {
    throw withoutAnswer(error);
  }
  return Buffer.concat(chunks);
}

/** Where errors of undici keep what came over the network. */
const OF_THE_ANSWER = ['data', 'body', 'headers'];

/** The same error without what `fetch` keeps in it of an answer, perhaps a token or of a patient: whoever prints the cause would print it. */
function withoutAnswer(error: unknown): unknown {
  for (let each = error; each instanceof Error; each = each.cause)
    for (const name of OF_THE_ANSWER) if (name in each) Object.assign(each, { [name]: undefined });
  return error;
}

const LOST = ['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'];

/** Whether a connection broke before an answer came. */
function isConnectionLost(error: unknown): boolean {
  // The caller of AWS has tried often enough.
  const ofAws = isZonesError(error, 'signer_unavailable') || isZonesError(error, 'tokens_unavailable');
  if (!(error instanceof Error) || ofAws) return false;
  const code = 'code' in error ? error.code : undefined;
  return LOST.some((lost) => lost === code) || isConnectionLost(error.cause);
}

/**
 * Runs `run`, and once more if the connection broke. A Lambda function that slept wakes with sockets that the other side
 * closed long ago, and `fetch` learns so only by using one. `run` must be harmless to repeat and sign anew.
 */
export async function withSecondConnection<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!isConnectionLost(error)) throw error;
    return run();
  }
}
