import {
  AuthorizationResponseError,
  type AuthorizationServer,
  authorizationCodeGrantRequest,
  processAuthorizationCodeResponse,
  validateAuthResponse,
} from 'oauth4webapi';
import { requestAuthenticated } from './authenticate.ts';
import { ZonesError } from './errors.ts';
import { readAs, shorten } from './oauth-errors.ts';
import { describeClient, type TokenClient } from './token-client.ts';
import type { CodeRedemption, LoginTokens } from './tokens.ts';
import { readUserTokens } from './user-token.ts';

/**
 * Checks an authorization response and redeems its code (RFC 6749 4.1, RFC 7636, RFC 9207), with a proof by the key
 * that the code was bound to at the pushed request: a rotation in between harms nobody.
 *
 * Throws `login_refused` for an authorization response that is not ours, or that is an error (then with `error` and
 * `error_description` in `facts`; these came through the browser); nothing is sent then. `id_token_invalid` for an ID
 * token that is missing or fails any check; and what {@link requestAuthenticated} and `readTokens` throw.
 * Does not check the security level, nor whether the person is who was logged in before.
 */
export async function redeemCode(client: TokenClient, request: CodeRedemption): Promise<LoginTokens> {
  const { redirectUri, codeVerifier, nonce, maxAge, resource } = request;
  const callback = await checkCallback(client, await client.metadata(), request);
  const answer = await requestAuthenticated(client, {
    endpoint: 'token_endpoint',
    proof: { kid: request.binding.kid },
    send: ({ as, oauth, auth, options }) =>
      authorizationCodeGrantRequest(as, oauth, auth, callback, redirectUri, codeVerifier, {
        ...options,
        ...(resource === undefined ? {} : { additionalParameters: { resource } }),
      }),
    signal: request.signal,
  });
  const tokens = await readUserTokens(client, answer, undefined, (as, oauth, response) =>
    processAuthorizationCodeResponse(as, oauth, response, {
      ...(nonce === undefined ? {} : { expectedNonce: nonce }),
      ...(maxAge === undefined ? {} : { maxAge }),
    }),
  );
  const { idToken, idTokenClaims } = tokens;
  if (idToken === undefined || idTokenClaims === undefined)
    throw new ZonesError('id_token_invalid', 'The token response has no ID token.');
  return { ...tokens, idToken, idTokenClaims };
}

/** The parameters as the library wants them redeemed: validated. It refuses parameters that come twice, but asks for `iss` only where metadata announces it; we always do. */
function checkCallback(
  client: TokenClient,
  as: AuthorizationServer,
  request: CodeRedemption,
): Promise<URLSearchParams> {
  const { parameters, state } = request;
  return readAs('login_refused', 'The authorization response is not valid', () => {
    if (parameters.get('iss') !== client.issuer) throw refuse('"iss" is not the issuer (RFC 9207)');
    try {
      const callback = validateAuthResponse(as, describeClient(client), parameters, state);
      const codes = parameters.getAll('code');
      if (codes.length !== 1 || codes[0] === '') throw refuse('one "code" is required');
      return callback;
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

function refuse(why: string): ZonesError {
  return new ZonesError('login_refused', `The authorization response is not valid: ${why}.`);
}
