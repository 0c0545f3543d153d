import { ZonesError } from '@helseid-zones/protocol/errors';
import { processRevocationResponse, revocationRequest } from 'oauth4webapi';
import { requestAuthenticated } from './authenticate.ts';
import { readAs } from './oauth-errors.ts';
import type { TokenClient } from './token-client.ts';
import type { RevocationRequest } from './tokens.ts';

/**
 * Revokes a token (RFC 7009). A token that the server no longer knows counts as revoked.
 * Throws what {@link requestAuthenticated} throws; `metadata_invalid` where the issuer has no revocation endpoint.
 */
export async function revokeToken(client: TokenClient, request: RevocationRequest): Promise<void> {
  const { token, hint } = request;
  const { response } = await requestAuthenticated(client, {
    endpoint: 'revocation_endpoint',
    send: ({ as, oauth, auth, options }) =>
      revocationRequest(as, oauth, auth, token, {
        ...options,
        ...(hint ? { additionalParameters: { token_type_hint: hint } } : {}),
      }),
    signal: request.signal,
  });
  await readAs(
    'token_invalid',
    'The answer to the revocation is not valid',
    () => processRevocationResponse(response),
    { status: response.status },
  );
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
  const url = URL.parse(endpoint);
  if (url?.protocol !== 'https:')
    throw new ZonesError('metadata_invalid', 'The metadata names an end session endpoint without https.');
  url.searchParams.set('client_id', client.clientId);
  url.searchParams.set('id_token_hint', request.idToken);
  url.searchParams.set('post_logout_redirect_uri', request.postLogoutRedirectUri);
  if (request.state !== undefined) url.searchParams.set('state', request.state);
  return url.href;
}
