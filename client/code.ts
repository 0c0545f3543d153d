import { ZonesError } from '@helseid-zones/protocol/errors';
import {
  AuthorizationResponseError,
  type AuthorizationServer,
  processAuthorizationCodeResponse,
  validateAuthResponse,
} from 'oauth4webapi';
import { requestGrant } from './authenticate.ts';
import { readAs, shorten } from './oauth-errors.ts';
import { CLOCK_TOLERANCE, describeClient, type TokenClient } from './token-client.ts';
import { acceptTokens, readUserTokens } from './token-response.ts';
import type { CodeRedemption, IdTokenClaims, LoginTokens } from './tokens.ts';

/**
 * Checks an authorization response and redeems its code (RFC 6749 4.1, RFC 7636, RFC 9207), with a proof by the key
 * that the code was bound to at the pushed request: a rotation in between harms nobody.
 *
 * Tokens that are not accepted are revoked. Does not check the security level, nor whether the person is who was logged in
 * before.
 *
 * @throws {ZonesError} login_refused: the authorization response is not ours, or an error (then with `error` and
 * `error_description` in `facts`; these came through the browser); nothing is sent then
 * @throws {ZonesError} id_token_invalid: the ID token is missing or fails any check
 * @throws {ZonesError} login_too_old: the person authenticated longer than `maxAge` before the login began; and what
 * {@link requestGrant} and `readTokens` throw
 *
 * @example
 * ```ts
 * import { type KeyBinding, redeemCode, type TokenClient } from '@helseid-zones/client';
 *
 * export async function finish(
 *   client: TokenClient,
 *   callback: URL,
 *   kept: { state: string; nonce: string; codeVerifier: string; binding: KeyBinding },
 * ): Promise<string> {
 *   const redirectUri = 'https://journal.example.no/callback';
 *   const tokens = await redeemCode(client, { parameters: callback.searchParams, redirectUri, ...kept });
 *   return tokens.idTokenClaims.sub;
 * }
 * ```
 */
export async function redeemCode(client: TokenClient, request: CodeRedemption): Promise<LoginTokens> {
  const { redirectUri, codeVerifier, nonce } = request;
  const code = await checkCallback(client, await client.metadata(), request);
  const parameters = { code, redirect_uri: redirectUri, code_verifier: codeVerifier };
  const answer = await requestGrant(client, 'authorization_code', request, parameters);
  return acceptTokens(client, answer, async () => {
    const expected = nonce === undefined ? {} : { expectedNonce: nonce };
    const tokens = await readUserTokens(client, answer, (as, oauth, response) =>
      processAuthorizationCodeResponse(as, oauth, response, expected),
    );
    const { idToken, idTokenClaims } = tokens;
    if (idToken === undefined || idTokenClaims === undefined)
      throw new ZonesError('id_token_invalid', 'The token response has no ID token.');
    requireRecentLogin(client, request, idTokenClaims);
    return { ...tokens, idToken, idTokenClaims };
  });
}

/**
 * OpenID Connect Core 3.1.2.1: what counts is how old the authentication was when the login began. The library measures
 * it at the redemption, by which time a person who was asked anew may have looked around.
 */
function requireRecentLogin(
  client: TokenClient,
  { maxAge, begunAt }: CodeRedemption,
  { auth_time: at }: IdTokenClaims,
): void {
  if (maxAge === undefined) return;
  const now = client.now() / 1000;
  if (at === undefined || at > now + CLOCK_TOLERANCE)
    throw new ZonesError(
      'id_token_invalid',
      'The ID token has no usable "auth_time", though max_age was sent.',
    );
  if (at + maxAge < (begunAt ?? now) - CLOCK_TOLERANCE)
    throw new ZonesError(
      'login_too_old',
      'The "auth_time" is older than max_age allows; begin again with prompt=login.',
    );
}

/** The code of a valid response. The library refuses parameters that come twice, but asks for `iss` only where metadata announces it; we always do. */
function checkCallback(
  client: TokenClient,
  as: AuthorizationServer,
  request: CodeRedemption,
): Promise<string> {
  const { parameters, state } = request;
  return readAs('login_refused', 'The authorization response is not valid', () => {
    if (parameters.get('iss') !== client.issuer) throw invalidResponse('"iss" is not the issuer (RFC 9207)');
    try {
      validateAuthResponse(as, describeClient(client), parameters, state);
      const [code, ...others] = parameters.getAll('code');
      if (!code || others.length > 0) throw invalidResponse('one "code" is required');
      return code;
    } catch (error) {
      if (!(error instanceof AuthorizationResponseError)) throw error;
      const facts = {
        error: shorten(error.error),
        ...(error.error_description ? { error_description: shorten(error.error_description) } : {}),
      };
      throw new ZonesError('login_refused', `The authorization server answered ${facts.error}.`, { facts });
    }
  });
}

function invalidResponse(why: string): ZonesError {
  return new ZonesError('login_refused', `The authorization response is not valid: ${why}.`);
}
