import { isZonesError, ZonesError } from '@helseid-zones/protocol/errors';
import type { Answer } from './authenticate.ts';
import { revokeToken } from './logout.ts';
import type { TokenClient } from './token-client.ts';
import type { RevocationRequest } from './tokens.ts';

/**
 * Runs `read` over a token response. Where it throws, nobody will hold the tokens of that response: the refresh token is
 * revoked (RFC 7009), with which servers end the access token too, or the access token where it came alone. A refresh
 * token that is `held` already stays valid, and access tokens got with it are left to lapse, since a server may end both
 * together (RFC 7009 2.1). Throws what `read` throws; `facts.revocation` then tells why a revocation failed.
 */
export async function acceptTokens<T>(
  client: TokenClient,
  { response }: Answer,
  read: () => Promise<T>,
  held?: string,
): Promise<T> {
  const body = response.clone();
  try {
    return await read();
  } catch (error) {
    const failed = await revokeUnkept(client, body, held);
    if (failed === undefined || !isZonesError(error)) throw error;
    const { code, message, cause, facts } = error;
    throw new ZonesError(code, message, { cause, facts: { ...facts, revocation: failed } });
  }
}

/** Gives the code of the error where the revocation failed. */
async function revokeUnkept(
  client: TokenClient,
  response: Response,
  held: string | undefined,
): Promise<string | undefined> {
  const unkept = chooseToken(await response.json().catch(() => undefined), held);
  if (unkept === undefined) return undefined;
  try {
    await revokeToken(client, unkept);
    return undefined;
  } catch (error) {
    return isZonesError(error) ? error.code : 'unexpected';
  }
}

function chooseToken(body: unknown, held: string | undefined): RevocationRequest | undefined {
  const { refresh_token: refresh, access_token: access } = Object(body) as Record<string, unknown>;
  if (isToken(refresh)) return refresh === held ? undefined : { token: refresh, hint: 'refresh_token' };
  return isToken(access) && held === undefined ? { token: access, hint: 'access_token' } : undefined;
}

/** An empty text is a token to nobody (RFC 6749 A.12, A.17). */
function isToken(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}
