import { createHash } from 'node:crypto';
import {
  customFetch,
  type ProtectedResourceRequestBody,
  protectedResourceRequest,
  type WWWAuthenticateChallenge,
  WWWAuthenticateChallengeError,
} from 'oauth4webapi';
import { stopNonceLoop } from './authenticate.ts';
import { isZonesError, ZonesError } from './errors.ts';
import { abortedBy, withDeadline, withSecondConnection } from './http.ts';
import { describeCause } from './oauth-errors.ts';
import type { TokenClient } from './token-client.ts';
import type { AccessToken, ApiFetch, TokenSource } from './tokens.ts';

/**
 * Makes a `fetch` for protected APIs (RFC 9449 7): `Authorization: DPoP` and a fresh proof with `ath`, signed by the key
 * that the token is bound to. An API's nonce is answered once, and a 401 `invalid_token` with one new token; so at most
 * three requests are sent. Every other answer is the caller's, its body unread.
 *
 * - The URL must be https. Its query goes to the API only, not to the signer.
 * - A redirect is never followed. Within the origin it is the caller's answer; to another one it is `redirect_refused`.
 * - A stream as body can be sent once: it needs an API that has answered before (so that it is known whether it wants a
 *   nonce), and `body_not_replayable` where it would have to be sent again.
 * - `authorization` and `dpop` headers of the caller are dropped. `init.redirect` and browser options are ignored.
 *
 * Throws `request_malformed`, `body_not_replayable`, `redirect_refused`, `nonce_loop`, `api_unreachable`,
 * `request_aborted`, and what the token source and the signer throw. Does not retry for other reasons, but for a broken
 * connection where the method is idempotent.
 */
export function createApiFetch(client: TokenClient, source: TokenSource): ApiFetch {
  return async (input, init = {}) => {
    const url = checkUrl(input);
    const signal = init.signal ?? undefined;
    if (signal?.aborted) throw abortedBy(signal);
    const once = isOneShot(init.body);
    if (once && !client.nonces.knows('api', url.href)) throw keepStream(url, 'is not known to want a nonce');

    let token = await source.get(signal);
    let nonceTried = false;
    let renewed = false;
    /** Whether there is another token to try. */
    const renew = async (): Promise<boolean> => {
      if (renewed) return false;
      renewed = true;
      const other = await source.renew(token, signal);
      token = other ?? token;
      return other !== undefined;
    };

    const method = (init.method ?? 'GET').toUpperCase();
    const attempt = async (): Promise<ApiAnswer> =>
      send(client, token, await signProof(client, token, method, url), url, { ...init, method });
    const repeatable = !once && IDEMPOTENT.includes(method);
    for (;;) {
      let answer: ApiAnswer;
      try {
        answer = await (repeatable ? withSecondConnection(attempt) : attempt());
      } catch (error) {
        // The key may have been retired early; a new token is bound to the current one.
        if (isLostKey(error) && (await renew())) continue;
        throw error;
      }
      const { response, challenges, nonce } = answer;
      if (challenges.some(({ scheme, error }) => scheme === 'dpop' && error === 'use_dpop_nonce')) {
        await response.body?.cancel();
        if (nonceTried || nonce === undefined) throw stopNonceLoop(url.origin);
        if (once) throw keepStream(url, 'wants a nonce');
        nonceTried = true;
        continue;
      }
      const refused = response.status === 401 && challenges.some(({ error }) => error === 'invalid_token');
      if (refused && !once && (await renew())) {
        await response.body?.cancel();
        continue;
      }
      await refuseForeignRedirect(url, response);
      return response;
    }
  };
}

/** RFC 9110 9.2.2. */
const IDEMPOTENT = ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'];

function checkUrl(input: string | URL): URL {
  const url = URL.parse(String(input));
  if (url?.protocol !== 'https:' || url.username !== '' || url.password !== '') {
    throw new ZonesError(
      'request_malformed',
      'An API is called with an absolute https URL without user info.',
    );
  }
  url.hash = '';
  return url;
}

function isOneShot(body: RequestInit['body']): boolean {
  if (body === null || typeof body !== 'object') return false;
  return body instanceof ReadableStream || (Symbol.asyncIterator in body && !(body instanceof Blob));
}

function keepStream(url: URL, why: string): ZonesError {
  return new ZonesError(
    'body_not_replayable',
    `${url.origin} ${why}, and a stream can't be sent twice; send text or bytes, or call the API once before.`,
  );
}

function isLostKey(error: unknown): boolean {
  return isZonesError(error, 'key_unknown') || isZonesError(error, 'key_not_usable');
}

async function signProof(client: TokenClient, token: AccessToken, method: string, url: URL): Promise<string> {
  const nonce = client.nonces.get('api', url.href);
  const [proof] = await client.signer.sign([
    {
      kind: 'dpop_proof',
      client: client.name,
      method,
      // `htu` has no query (RFC 9449 4.2), and a query may name a patient: it stays in this zone.
      url: `${url.origin}${url.pathname}`,
      ath: createHash('sha256').update(token.accessToken, 'ascii').digest('base64url'),
      kid: token.binding.kid,
      ...(nonce === undefined ? {} : { nonce }),
    },
  ]);
  if (!proof) throw new ZonesError('signer_answer_invalid', 'The signer answered without a signature.');
  if (proof.jkt !== token.binding.jkt)
    throw new ZonesError(
      'binding_mismatch',
      'The signer used another key than the one the token is bound to.',
    );
  return proof.jws;
}

interface ApiAnswer {
  response: Response;
  challenges: { scheme: string; error: string | undefined }[];
  /** What the answer brought. */
  nonce: string | undefined;
}

async function send(
  client: TokenClient,
  token: AccessToken,
  proof: string,
  url: URL,
  init: RequestInit & { method: string },
): Promise<ApiAnswer> {
  const headers = new Headers(init.headers);
  headers.delete('authorization');
  headers.set('dpop', proof);
  // The library hands the body to fetch as it is; its type only names fewer kinds.
  const body = init.body as ProtectedResourceRequestBody;
  const signal = init.signal ?? undefined;
  let challenges: WWWAuthenticateChallenge[] = [];
  let response: Response;
  try {
    response = await withDeadline(client.timeout, signal, (deadline) =>
      protectedResourceRequest(token.accessToken, init.method, url, headers, body, {
        [customFetch]: (input, options) => client.fetch(input, options as RequestInit),
        signal: deadline,
      }),
    );
  } catch (error) {
    if (!(error instanceof WWWAuthenticateChallengeError)) throw unreachable(url, error, signal);
    // For the library any challenge is an error; for a caller of fetch it is an answer.
    ({ response, cause: challenges } = error);
  }
  return {
    response,
    nonce: client.nonces.keep('api', url.href, response),
    challenges: challenges.map(({ scheme, parameters }) => ({ scheme, error: parameters.error })),
  };
}

function unreachable(url: URL, error: unknown, signal: AbortSignal | undefined): ZonesError {
  if (signal?.aborted) return abortedBy(signal);
  const { cause } = describeCause(error);
  return new ZonesError('api_unreachable', `${url.origin} did not answer; what it did is not known.`, {
    cause,
  });
}

const REDIRECTS = [301, 302, 303, 307, 308];

async function refuseForeignRedirect(url: URL, response: Response): Promise<void> {
  const location = response.headers.get('location');
  if (location === null || !REDIRECTS.includes(response.status)) return;
  const target = URL.parse(location, url.href)?.origin;
  if (target === url.origin) return;
  await response.body?.cancel();
  throw new ZonesError(
    'redirect_refused',
    `${url.origin} redirects to another origin; call that one by a declared API.`,
    {
      facts: { status: response.status, target: target ?? 'invalid' },
    },
  );
}
