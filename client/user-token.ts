import type { Answer } from './authenticate.ts';
import { type ProcessResponse, readIdToken } from './id-token.ts';
import type { TokenClient } from './token-client.ts';
import { readTokens } from './token-response.ts';
import type { UserTokens } from './tokens.ts';

/** Reads a token response of a user grant: access token, refresh token with its expiry, ID token where there is one. */
export async function readUserTokens(
  client: TokenClient,
  answer: Answer,
  askedScope: string | undefined,
  process: ProcessResponse,
): Promise<UserTokens> {
  const { body, ...token } = await readTokens(answer, askedScope);
  const { as, oauth, response, sentAt } = answer;
  const id = await readIdToken(client, () => process(as, oauth, response));
  const lifetime = body['rt_expires_in'];
  return {
    ...token,
    ...(body.refresh_token === undefined ? {} : { refreshToken: body.refresh_token }),
    ...(typeof lifetime === 'number' ? { refreshTokenExpiresAt: sentAt + lifetime } : {}),
    ...id,
  };
}
