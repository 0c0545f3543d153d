import type { Answer } from './authenticate.ts';
import { type ProcessResponse, readIdToken } from './id-token.ts';
import type { TokenClient } from './token-client.ts';
import { readTokens } from './token-response.ts';
import type { UserTokens } from './tokens.ts';

/**
 * Reads a token response of a user grant: access token, refresh token with its expiry, ID token where there is one. A
 * lifetime (`rt_expires_in`) that is not positive, or that comes without a refresh token, would end a session that works:
 * it is given as `ignoredRefreshTokenLifetime` instead.
 */
export async function readUserTokens(
  client: TokenClient,
  answer: Answer,
  askedScope: string | undefined,
  process: ProcessResponse,
): Promise<UserTokens> {
  const { body, ...token } = await readTokens(answer, askedScope);
  const { as, oauth, response, sentAt } = answer;
  const id = await readIdToken(client, () => process(as, oauth, response));
  return {
    ...token,
    ...readRefreshToken(body.refresh_token, body['rt_expires_in'], sentAt),
    ...id,
  };
}

function readRefreshToken(refreshToken: string | undefined, lifetime: unknown, sentAt: number) {
  const token = refreshToken === undefined ? {} : { refreshToken };
  if (lifetime === undefined) return token;
  if (refreshToken !== undefined && typeof lifetime === 'number' && lifetime > 0)
    return { refreshToken, refreshTokenExpiresAt: sentAt + lifetime };
  const ignoredRefreshTokenLifetime = typeof lifetime === 'number' ? lifetime : typeof lifetime;
  return { ...token, ignoredRefreshTokenLifetime };
}
