import { ZonesError } from '@helseid-zones/protocol/errors';
import { parseUrl } from '@helseid-zones/protocol/url';
import {
  customFetch,
  type ProtectedResourceRequestBody,
  protectedResourceRequest,
  type WWWAuthenticateChallenge,
  WWWAuthenticateChallengeError,
} from 'oauth4webapi';
import { nonceLoopError } from './authenticated-request.ts';
import { type BeginCall, type CallHeaders, isUnusableKey, signedCalls } from './call-headers.ts';
import { describeNetworkFailure } from './errors.ts';
import { abortError, tellFate, withDeadline, withSecondConnection } from './http.ts';
import { describeCause, shorten } from './oauth-errors.ts';
import type { TokenClient } from './token-client.ts';
import type { ApiFetch, TokenSource } from './tokens.ts';

/** How API calls are sent, and what is remembered between them. */
export type ApiTransport = Pick<TokenClient, 'fetch' | 'timeout' | 'nonces'>;

/**
 * Makes a `fetch` for protected APIs (RFC 9449 7): `Authorization: DPoP` and a fresh proof with `ath`, signed by the key
 * that the token is bound to. An API's nonce is answered once, and a 401 with one new token; so at most three requests are
 * sent. Every other answer is the caller's, its body unread.
 *
 * A 401 counts without `WWW-Authenticate` too, which gateways rename and servers forget: with a new nonce it is first
 * taken to ask for that one. What the source gives for a refused token ends the repeating (see {@link TokenSource}).
 *
 * - The URL must be https. Its query goes to the API only, not to the signer.
 * - A redirect is never followed. Within the origin it is the caller's answer; to another one it is `redirect_refused`.
 * - A stream as body can be sent once: it needs an API that has answered before (so that it is known whether it wants a
 *   nonce), and `body_not_replayable` where it would have to be sent again.
 * - `authorization` and `dpop` headers of the caller are dropped. `init.redirect` and browser options are ignored.
 *
 * Does not retry for other reasons, but for a broken connection where the method is idempotent.
 *
 * @throws {ZonesError} request_malformed: `fetch` itself would not send it
 * @throws {ZonesError} token_invalid: no header can carry the token
 * @throws {ZonesError} body_not_replayable, redirect_refused: see above
 * @throws {ZonesError} nonce_loop: the API refuses the nonce that it gave
 * @throws {ZonesError} api_unreachable: no answer; `facts.network` says why where that is known
 * @throws {ZonesError} request_aborted: by `init.signal`; and what the token source and the signer throw
 *
 * @example
 * ```ts
 * import { createApiFetch, machineTokens, type TokenClient } from '@helseid-zones/client';
 *
 * export async function readDocument(client: TokenClient, id: string): Promise<unknown> {
 *   const call = createApiFetch(client, machineTokens(client));
 *   const response = await call(`https://api.example.no/v1/documents/${encodeURIComponent(id)}`, {
 *     headers: { accept: 'application/json' },
 *     signal: AbortSignal.timeout(10_000),
 *   });
 *   if (!response.ok) throw new Error(`The API answered ${response.status}.`);
 *   return response.json();
 * }
 * ```
 */
export function createApiFetch(client: TokenClient, source: TokenSource): ApiFetch {
  return createFetch(client, signedCalls(client, source));
}

/** {@link createApiFetch}, with token and proofs from wherever `begin` has them. */
export function createFetch(client: ApiTransport, begin: BeginCall): ApiFetch {
  return async (input, init = {}) => {
    const url = checkUrl(input);
    const method = checkRequest(url, init);
    const signal = init.signal ?? undefined;
    if (signal?.aborted) throw abortError(signal);
    const once = isOneShot(init.body);
    if (once && !client.nonces.knows('api', url.href)) throw streamError(url, 'is not known to want a nonce');

    const nonceOf = () => client.nonces.get('api', url.href);
    const call = await begin({ method, url, signal });
    const attempt = async () => send(client, await call.headers(nonceOf()), url, { ...init, method });
    const run = once || !IDEMPOTENT.includes(method) ? attempt : () => withSecondConnection(attempt);
    const tried = { nonce: false, renewal: false, replacement: false };
    for (;;) {
      const answer = await run().catch(async (error: unknown) => {
        // The key may have been retired early; a new token is bound to the current one.
        if (!isUnusableKey(error) || tried.replacement) throw error;
        tried.replacement = true;
        if (!(await call.replace?.())) throw error;
      });
      if (!answer) continue;
      const { response, challenges, nonce, nonceIsNew } = answer;
      const discard = () => response.body?.cancel();
      if (asksForNonce(answer)) {
        await discard();
        if (tried.nonce || nonce === undefined) throw nonceLoopError(url.origin);
        if (once) throw streamError(url, 'wants a nonce');
        tried.nonce = true;
        continue;
      }
      if (response.ok) call.accept?.();
      const silent = !challenges.some(({ error }) => error !== undefined);
      if (response.status === 401 && !once && silent && nonceIsNew && !tried.nonce) {
        await discard();
        tried.nonce = true;
        continue;
      }
      if (response.status === 401 && !tried.renewal) {
        tried.renewal = true;
        // A stream is not sent again: then the new token is for the next call, and this one has its answer, whatever comes of it.
        const renewed = await call.renew(nonceOf()).catch(async (error: unknown) => {
          if (once) return false;
          await discard();
          throw error;
        });
        if (renewed && !once) {
          await discard();
          continue;
        }
      }
      await refuseForeignRedirect(url, response);
      return response;
    }
  };
}

/** RFC 9449 9: the challenge is a 401. Under another status it is words beside an answer, and the call may have been carried out. */
function asksForNonce({ response, challenges }: ApiAnswer): boolean {
  const asked = challenges.some(({ scheme, error }) => scheme === 'dpop' && error === 'use_dpop_nonce');
  return asked && response.status === 401;
}

/** RFC 9110 9.2.2. */
const IDEMPOTENT = ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'];

function streamError(url: URL, why: string): ZonesError {
  const remedy = 'send text or bytes, or call the API once before';
  const message = `${url.origin} ${why}, and a stream can't be sent twice; ${remedy}.`;
  return new ZonesError('body_not_replayable', message);
}

type ApiAnswer = Awaited<ReturnType<typeof send>>;

/** Sends one attempt, and keeps the nonce of its answer: `nonce`, and whether that differs from the one known before. */
async function send(client: ApiTransport, of: CallHeaders, url: URL, init: RequestInit & { method: string }) {
  const headers = new Headers(init.headers);
  headers.delete('authorization');
  headers.set('dpop', of.proof);
  // The library hands the body to fetch as it is; its type only names fewer kinds.
  const body = init.body as ProtectedResourceRequestBody;
  const signal = init.signal ?? undefined;
  const known = client.nonces.get('api', url.href);
  let challenges: WWWAuthenticateChallenge[] = [];
  let response: Response;
  try {
    response = await withDeadline(client.timeout, signal, (deadline) =>
      protectedResourceRequest(of.accessToken, init.method, url, headers, body, {
        // The library says `duplex` for one kind of stream alone, and `fetch` refuses others without.
        [customFetch]: (input, options) => client.fetch(input, { ...options, duplex: 'half' } as RequestInit),
        signal: deadline,
      }),
    );
  } catch (error) {
    if (!(error instanceof WWWAuthenticateChallengeError)) throw unreachable(url, error, signal);
    // For the library any challenge is an error; for a caller of fetch it is an answer.
    ({ response, cause: challenges } = error);
  }
  const nonce = client.nonces.keep('api', url.href, response);
  return {
    response,
    nonce,
    nonceIsNew: nonce !== undefined && nonce !== known,
    challenges: challenges.map(({ scheme, parameters }) => ({ scheme, error: parameters.error })),
  };
}

function unreachable(url: URL, error: unknown, signal: AbortSignal | undefined): ZonesError {
  if (signal?.aborted) return abortError(signal);
  const { cause } = describeCause(error);
  const facts = describeNetworkFailure(error);
  const message = `${url.origin} did not answer; ${tellFate(facts)}.`;
  return new ZonesError('api_unreachable', message, { cause, facts });
}

/**
 * The URL of an API call, without its fragment.
 * @throws {ZonesError} request_malformed: it is not absolute, not https, or has user info
 */
function checkUrl(input: string | URL): URL {
  const url = parseUrl(String(input));
  const message = 'An API is called with an absolute https URL without user info.';
  if (url?.protocol !== 'https:' || url.username !== '' || url.password !== '')
    throw new ZonesError('request_malformed', message);
  url.hash = '';
  return url;
}

/** What `fetch` would refuse by itself, so that it does not look like an API that did not answer. Gives the method. */
function checkRequest(url: URL, { method = 'GET', headers, body }: RequestInit): string {
  const name = method.toUpperCase();
  try {
    new Request(url, { method: name, headers: new Headers(headers), body: body == null ? null : '' });
  } catch {
    // Without the cause: its message repeats the header.
    throw new ZonesError(
      'request_malformed',
      'fetch sends no request with this method, these headers, or a body for this method.',
    );
  }
  return name;
}

/** Whether a body can be read once only: a stream, or what gives its parts as it is asked. */
function isOneShot(body: RequestInit['body']): boolean {
  if (body === null || typeof body !== 'object') return false;
  return body instanceof ReadableStream || (Symbol.asyncIterator in body && !(body instanceof Blob));
}

const REDIRECTS = [301, 302, 303, 307, 308];

/**
 * Within the origin a redirect is the caller's answer.
 * @throws {ZonesError} redirect_refused: it leads to another origin
 */
async function refuseForeignRedirect(url: URL, response: Response): Promise<void> {
  const location = response.headers.get('location');
  if (location === null || !REDIRECTS.includes(response.status)) return;
  const target = parseUrl(location, url.href)?.origin;
  if (target === url.origin) return;
  await response.body?.cancel();
  const message = `${url.origin} redirects to another origin; call that one by a declared API.`;
  const facts = { status: response.status, target: shorten(target ?? 'invalid') };
  throw new ZonesError('redirect_refused', message, { facts });
}
