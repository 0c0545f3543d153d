import { ZonesError } from '@helseid-zones/protocol/errors';
import { processRefreshTokenResponse } from 'oauth4webapi';
import { requestGrant } from './authenticate.ts';
import type { TokenClient } from './token-client.ts';
import { acceptTokens, readUserTokens } from './token-response.ts';
import type { RefreshRequest, UserTokens } from './tokens.ts';

/**
 * Refreshes (RFC 6749 6), perhaps for one API (`resource`) or another organisation (`details`). The new access token is
 * bound to the current key, or to the pinned one. The answer's refresh token, where there is one, replaces the old.
 *
 * Its ID token's `auth_time` is not compared with the login's (OpenID Connect Core 12.2), since nothing here relies on it. New
 * tokens that are not accepted are revoked. Does not serialize refreshes that race.
 *
 * @throws {ZonesError} person_mismatch: an ID token names another `iss` or `sub` than `expected`
 * @throws {ZonesError} id_token_invalid: it has another `nonce`, or fails a check
 * @throws {ZonesError} token_refused: with `facts.error` `invalid_grant` where the refresh token is spent or bound to a key we no
 * longer use: log in anew, don't try again; and what else {@link requestGrant} and `readTokens` throw
 *
 * @example
 * ```ts
 * import { refreshTokens, type TokenClient, type UserTokens } from '@helseid-zones/client';
 *
 * export async function switchOrganization(client: TokenClient, held: UserTokens, child: string): Promise<UserTokens> {
 *   if (held.refreshToken === undefined) throw new Error('Log in anew.');
 *   return refreshTokens(client, {
 *     refreshToken: held.refreshToken,
 *     details: [{ type: 'helseid_authorization', child }],
 *     expected: held.idTokenClaims,
 *   });
 * }
 * ```
 */
export async function refreshTokens(client: TokenClient, request: RefreshRequest): Promise<UserTokens> {
  const { refreshToken, expected } = request;
  const answer = await requestGrant(client, 'refresh_token', request, { refresh_token: refreshToken });
  const read = async () => {
    const tokens = await readUserTokens(client, answer, processRefreshTokenResponse);
    const claims = tokens.idTokenClaims;
    if (!expected || !claims) return tokens;
    if (claims.iss !== expected.iss || claims.sub !== expected.sub)
      throw new ZonesError('person_mismatch', 'The refreshed ID token is of somebody else than the login.');
    const { nonce } = claims;
    if (expected.nonce !== undefined && nonce !== undefined && nonce !== expected.nonce)
      throw new ZonesError('id_token_invalid', 'The refreshed ID token has another "nonce" than the login.');
    return tokens;
  };
  return acceptTokens(client, answer, read, refreshToken);
}
