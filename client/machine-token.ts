import { abortError, untilAborted } from './http.ts';
import type { TokenClient } from './token-client.ts';
import { readTokens, requestGrant } from './token-endpoint.ts';
import type { AccessToken, AccessTokenRequest, TokenSource } from './tokens.ts';

/**
 * A machine token (client credentials, RFC 6749 4.4), bound to the current key. Cached by everything that shapes it
 * until 5 seconds before it expires, with one request in flight for all who ask at once. A cold one costs one round trip
 * and two signatures while the remembered nonce is valid.
 *
 * Does not check that every scope was granted: see `scope` and `rejectedScope`.
 *
 * @throws {ZonesError} what {@link requestGrant} and {@link readTokens} throw
 *
 * @example
 * ```ts
 * import { getAccessToken, type TokenClient } from '@helseid-zones/client';
 *
 * export async function expiry(client: TokenClient): Promise<number | undefined> {
 *   const { expiresAt } = await getAccessToken(client, {
 *     scopes: ['nhn:helseid-demo/api'],
 *     details: [{ type: 'helseid_authorization', child: '974760673' }],
 *   });
 *   return expiresAt;
 * }
 * ```
 */
export async function getAccessToken(
  client: TokenClient,
  request: AccessTokenRequest = {},
): Promise<AccessToken> {
  if (request.signal?.aborted) throw abortError(request.signal);
  const token = client.tokens.get(keyOf(client, request), () => requestToken(client, request));
  return untilAborted(token, request.signal);
}

/**
 * Machine tokens for `createApiFetch`.
 *
 * @example
 * ```ts
 * import { createApiFetch, machineTokens, type TokenClient } from '@helseid-zones/client';
 *
 * export const calls = (client: TokenClient) =>
 *   createApiFetch(client, machineTokens(client, { scopes: ['nhn:helseid-demo/api'] }));
 * ```
 */
export function machineTokens(client: TokenClient, request: AccessTokenRequest = {}): TokenSource {
  const { tokens } = client;
  const key = keyOf(client, request);
  const fetch = () => requestToken(client, request);
  return {
    get: (signal) => getAccessToken(client, { ...request, signal: signal ?? request.signal }),
    renew: (refused, signal) => untilAborted(tokens.renew(key, refused, fetch), signal),
    replace: (lost, signal) => untilAborted(tokens.replace(key, lost, fetch), signal),
    accept: tokens.accept,
  };
}

async function requestToken(client: TokenClient, request: AccessTokenRequest): Promise<AccessToken> {
  // Its caller's signal stops the caller's waiting: others may wait for this one too.
  const asked = { ...request, signal: undefined };
  const { body: _, ...token } = await requestGrant(client, 'client_credentials', asked, {}, readTokens);
  return token;
}

function keyOf(client: TokenClient, request: AccessTokenRequest): string {
  const scopes = [...new Set(request.scopes)].sort();
  const { resource = null, details = [] } = request;
  return JSON.stringify([client.clientId, client.issuer, scopes, resource, details], sortMembers);
}

/** For JSON.stringify: the order in which an object was written does not matter. */
function sortMembers(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
