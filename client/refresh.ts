import { ZonesError } from '@helseid-zones/protocol/errors';
import { processRefreshTokenResponse, refreshTokenGrantRequest } from 'oauth4webapi';
import { requestAuthenticated } from './authenticate.ts';
import type { TokenClient } from './token-client.ts';
import { acceptTokens, readUserTokens } from './token-response.ts';
import type { RefreshRequest, UserTokens } from './tokens.ts';

/**
 * Refreshes (RFC 6749 6), perhaps for one API (`resource`) or another organisation (`details`). The new access token is
 * bound to the current key, or to the pinned one. The answer's refresh token, where there is one, replaces the old.
 *
 * Throws `person_mismatch` when an ID token names another `iss` or `sub` than `expected`, and `id_token_invalid` when it
 * has another `nonce` (OpenID Connect Core 12.2; its `auth_time` is not compared, since nothing here relies on it); `token_refused` with
 * `facts.error` `invalid_grant` when the refresh token is spent or bound to a key we no longer use: log in anew, don't
 * try again. Also what {@link requestAuthenticated} and `readTokens` throw. New tokens that are not accepted are revoked. Does not serialize refreshes that race.
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
  const scope = request.scopes?.length ? request.scopes.join(' ') : undefined;
  const { resource, expected } = request;
  const additionalParameters = {
    ...(scope === undefined ? {} : { scope }),
    ...(resource === undefined ? {} : { resource }),
  };
  const answer = await requestAuthenticated(client, {
    endpoint: 'token_endpoint',
    proof: { kid: request.binding?.kid },
    details: request.details,
    send: ({ as, oauth, auth, options }) =>
      refreshTokenGrantRequest(as, oauth, auth, request.refreshToken, { ...options, additionalParameters }),
    signal: request.signal,
  });
  return acceptTokens(
    client,
    answer,
    async () => {
      const tokens = await readUserTokens(client, answer, scope, processRefreshTokenResponse);
      const claims = tokens.idTokenClaims;
      if (expected && claims && (claims.iss !== expected.iss || claims.sub !== expected.sub))
        throw new ZonesError(
          'person_mismatch',
          'The refreshed ID token is not that of the person who logged in.',
        );
      const nonce = claims?.nonce;
      if (expected?.nonce !== undefined && nonce !== undefined && nonce !== expected.nonce)
        throw new ZonesError(
          'id_token_invalid',
          'The refreshed ID token has another "nonce" than the login\'s.',
        );
      return tokens;
    },
    request.refreshToken,
  );
}
