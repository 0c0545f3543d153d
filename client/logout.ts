import { ZonesError } from '@helseid-zones/protocol/errors';
import { parseUrl } from '@helseid-zones/protocol/url';
import { isObject } from '@helseid-zones/protocol/values';
import { processRevocationResponse, revocationRequest } from 'oauth4webapi';
import { requestAuthenticated } from './authenticated-request.ts';
import { CLOCK_TOLERANCE, verifyIssuerJwt } from './issuer.ts';
import { readAs } from './oauth-errors.ts';
import type { TokenClient } from './token-client.ts';
import type { LogoutTokenClaims, RevocationRequest } from './tokens.ts';

/**
 * Revokes a token (RFC 7009). A token that the server no longer knows counts as revoked.
 * @throws {ZonesError} metadata_invalid: the issuer has no revocation endpoint; and what {@link requestAuthenticated} throws
 *
 * @example
 * ```ts
 * import { createEndSessionUrl, revokeToken, type TokenClient } from '@helseid-zones/client';
 *
 * export async function logOut(client: TokenClient, refreshToken: string, idToken: string) {
 *   await revokeToken(client, { token: refreshToken, hint: 'refresh_token' });
 *   return createEndSessionUrl(client, { idToken, postLogoutRedirectUri: 'https://journal.example.no/' });
 * }
 * ```
 */
export async function revokeToken(client: TokenClient, request: RevocationRequest): Promise<void> {
  const { token, hint } = request;
  await requestAuthenticated(client, {
    endpoint: 'revocation_endpoint',
    send: ({ as, oauth, auth, options }) =>
      revocationRequest(as, oauth, auth, token, {
        ...options,
        ...(hint ? { additionalParameters: { token_type_hint: hint } } : {}),
      }),
    read: ({ response }) =>
      readAs('token_invalid', 'The answer to the revocation is not valid', { status: response.status }, () =>
        processRevocationResponse(response),
      ),
    signal: request.signal,
  });
}

/**
 * Where to send the browser to log out at the issuer too (OpenID Connect RP-Initiated Logout 1.0); nothing where the
 * issuer has no such endpoint. Carries the ID token: to be used as a redirect and kept out of logs.
 */
export async function createEndSessionUrl(
  client: TokenClient,
  request: { idToken: string; postLogoutRedirectUri: string; state?: string },
): Promise<string | undefined> {
  const { end_session_endpoint: endpoint } = await client.metadata();
  if (endpoint === undefined) return undefined;
  const url = parseUrl(endpoint);
  if (url?.protocol !== 'https:')
    throw new ZonesError('metadata_invalid', 'The metadata names an end session endpoint without https.');
  url.searchParams.set('client_id', client.clientId);
  url.searchParams.set('id_token_hint', request.idToken);
  url.searchParams.set('post_logout_redirect_uri', request.postLogoutRedirectUri);
  if (request.state !== undefined) url.searchParams.set('state', request.state);
  return url.href;
}

const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout';

/**
 * Media types (RFC 7515 4.1.9) that a logout token may have where the profile demands none: 2.4 recommends the first and
 * nothing more. Its `events`, and that it has no `nonce`, tell it from an ID token then.
 */
const TYPS: readonly unknown[] = ['logout+jwt', 'jwt', undefined];

/** Seconds after its `iat` in which a logout token is taken. */
const MAX_AGE = 120;

/** Milliseconds between two readings of the issuer's keys because of an unknown `kid`: anybody may post logout tokens. */
const KEYS_COOLDOWN = 30_000;

/**
 * Validates a logout token in full (OpenID Connect Back-Channel Logout 1.0, 2.4 and 2.6): signature with the profile's
 * one algorithm, `typ` (see {@link TYPS}), `iss`, `aud` (us alone), `iat`, `exp`, `jti` once, `events`, `sub` or `sid`, no `nonce`.
 * `rememberJti` tells whether a `jti` is new, to be recorded until an epoch second: there, or by the caller once the sessions
 * are ended. It is asked last, so that tokens which are not the issuer's fill nothing.
 *
 * @throws {ZonesError} token_invalid: any check fails
 * @throws {ZonesError} issuer_unreachable, metadata_invalid: it can't be checked now
 *
 * @example
 * ```ts
 * import { type TokenClient, validateLogoutToken } from '@helseid-zones/client';
 *
 * const seen = new Map<string, number>();
 *
 * // A table that all instances share takes the place of the map.
 * export async function endedSession(client: TokenClient, logoutToken: string): Promise<string | undefined> {
 *   const { sid } = await validateLogoutToken(client, logoutToken, async (jti, until) => {
 *     const isNew = !seen.has(jti);
 *     seen.set(jti, until);
 *     return isNew;
 *   });
 *   return sid;
 * }
 * ```
 */
export async function validateLogoutToken(
  client: TokenClient,
  token: string,
  rememberJti: (jti: string, until: number) => Promise<boolean>,
): Promise<LogoutTokenClaims> {
  const limits = { cooldown: KEYS_COOLDOWN, maxTokenAge: MAX_AGE };
  const verified = readAs('token_invalid', 'The logout token is not valid', {}, () =>
    verifyIssuerJwt(client, token, limits),
  );
  const { payload, protectedHeader } = await verified;
  if (!isLogoutTyp(protectedHeader.typ, client.profile.logoutTokenTyp))
    throw invalid('has the "typ" of something else');
  const { iss, aud, jti, iat, exp, sub, sid, events } = payload;
  if (typeof iss !== 'string' || typeof iat !== 'number' || typeof exp !== 'number')
    throw invalid('lacks "iss", "iat" or "exp"');
  if ([aud].flat().length !== 1) throw invalid('has an "aud" with others in it');
  if (typeof jti !== 'string' || jti === '' || jti.length > 256) throw invalid('has no usable "jti"');
  if (!isObject(events) || !isObject(events[LOGOUT_EVENT]))
    throw invalid('has "events" about something else');
  if ('nonce' in payload) throw invalid('has a "nonce" and may be an ID token');
  if (!isOptionalText(sub) || !isOptionalText(sid) || (sub === undefined && sid === undefined))
    throw invalid('names nobody by "sub" or "sid"');
  if (!(await rememberJti(jti, iat + MAX_AGE + CLOCK_TOLERANCE))) throw invalid('was used before');
  return { iss, jti, iat, exp, ...(sub === undefined ? {} : { sub }), ...(sid === undefined ? {} : { sid }) };
}

function isLogoutTyp(typ: unknown, demanded: string | undefined): boolean {
  const type = typeof typ === 'string' ? typ.toLowerCase().replace(/^application\//, '') : typ;
  return demanded === undefined ? TYPS.includes(type) : type === demanded;
}

const isOptionalText = (value: unknown): value is string | undefined =>
  value === undefined || (typeof value === 'string' && value !== '');

const invalid = (what: string): ZonesError => new ZonesError('token_invalid', `The logout token ${what}.`);
