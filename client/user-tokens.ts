import { ZonesError } from '@helseid-zones/protocol/errors';
import {
  AuthorizationResponseError,
  type AuthorizationServer,
  processAuthorizationCodeResponse,
  processRefreshTokenResponse,
  validateAuthResponse,
} from 'oauth4webapi';
import type { Answer } from './authenticated-request.ts';
import { CLOCK_TOLERANCE } from './issuer.ts';
import { readAs, shorten } from './oauth-errors.ts';
import { describeClient, type TokenClient } from './token-client.ts';
import { readTokens, readUserTokens, requestGrant } from './token-endpoint.ts';
import type {
  AccessToken,
  CodeRedemption,
  ExchangeRequest,
  IdTokenClaims,
  LoginTokens,
  RefreshRequest,
  UserTokens,
} from './tokens.ts';

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
  const read = async (answer: Answer) => {
    const expected = nonce === undefined ? {} : { expectedNonce: nonce };
    const tokens = await readUserTokens(client, answer, (as, oauth, response) =>
      processAuthorizationCodeResponse(as, oauth, response, expected),
    );
    const { idToken, idTokenClaims } = tokens;
    if (idToken === undefined || idTokenClaims === undefined)
      throw new ZonesError('id_token_invalid', 'The token response has no ID token.');
    requireRecentLogin(client, request, idTokenClaims);
    return { ...tokens, idToken, idTokenClaims };
  };
  return requestGrant(client, 'authorization_code', request, parameters, read);
}

/**
 * OpenID Connect Core 3.1.2.1: what counts is how old the authentication was when the login began. The library measures
 * it at the redemption, by which time a person who was asked anew may have looked around.
 */
function requireRecentLogin(client: TokenClient, request: CodeRedemption, { auth_time: at }: IdTokenClaims) {
  const { maxAge, begunAt } = request;
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
function checkCallback(client: TokenClient, as: AuthorizationServer, request: CodeRedemption) {
  const { parameters, state } = request;
  return readAs('login_refused', 'The authorization response is not valid', {}, () => {
    if (parameters.get('iss') !== client.issuer) throw invalidResponse('"iss" is not the issuer (RFC 9207)');
    try {
      validateAuthResponse(as, describeClient(client), parameters, state);
    } catch (error) {
      if (!(error instanceof AuthorizationResponseError)) throw error;
      const { error_description: said } = error;
      const facts = {
        error: shorten(error.error),
        ...(said ? { error_description: shorten(said) } : {}),
      };
      throw new ZonesError('login_refused', `The authorization server answered ${facts.error}.`, { facts });
    }
    const [code, ...others] = parameters.getAll('code');
    if (!code || others.length > 0) throw invalidResponse('one "code" is required');
    return code;
  });
}

const invalidResponse = (why: string): ZonesError =>
  new ZonesError('login_refused', `The authorization response is not valid: ${why}.`);

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
  const read = async (answer: Answer) => {
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
  const parameters = { refresh_token: refreshToken };
  return requestGrant(client, 'refresh_token', request, parameters, read, refreshToken);
}

const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';

/**
 * Exchanges another's access token for a narrow one bound to our own key (RFC 8693), to call on with. Never cached: it
 * belongs to one incoming call.
 *
 * Does not validate `subjectToken`: do that first, with the authorizer.
 *
 * @throws {ZonesError} token_invalid: something else than an access token; and what {@link requestGrant} and
 * {@link readTokens} throw
 *
 * @example
 * ```ts
 * import { createApiFetch, exchangeToken, type TokenClient } from '@helseid-zones/client';
 *
 * // `subjectToken` came with a request that the authorizer has let in.
 * export async function callOn(client: TokenClient, subjectToken: string): Promise<Response> {
 *   const token = await exchangeToken(client, { subjectToken, scopes: ['other:api/read'] });
 *   const call = createApiFetch(client, { get: async () => token, renew: async () => undefined });
 *   return call('https://other.example.no/v1/summaries');
 * }
 * ```
 */
export async function exchangeToken(client: TokenClient, request: ExchangeRequest): Promise<AccessToken> {
  const parameters = { subject_token: request.subjectToken, subject_token_type: ACCESS_TOKEN };
  const read = async (answer: Answer) => {
    const { body, ...token } = await readTokens(answer);
    const issued = body['issued_token_type'];
    if (issued !== undefined && issued !== ACCESS_TOKEN)
      throw new ZonesError('token_invalid', 'The exchange gave something else than an access token.');
    return token;
  };
  return requestGrant(client, TOKEN_EXCHANGE, request, parameters, read);
}
