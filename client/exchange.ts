import { ZonesError } from '@helseid-zones/protocol/errors';
import { requestGrant } from './authenticate.ts';
import type { TokenClient } from './token-client.ts';
import { acceptTokens, readTokens } from './token-response.ts';
import type { AccessToken, ExchangeRequest } from './tokens.ts';

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
  const answer = await requestGrant(client, TOKEN_EXCHANGE, request, {
    subject_token: request.subjectToken,
    subject_token_type: ACCESS_TOKEN,
  });
  return acceptTokens(client, answer, async () => {
    const { body, ...token } = await readTokens(answer);
    const issued = body['issued_token_type'];
    if (issued !== undefined && issued !== ACCESS_TOKEN)
      throw new ZonesError('token_invalid', 'The exchange gave something else than an access token.');
    return token;
  });
}
