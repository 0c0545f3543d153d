import { isZonesError, ZonesError } from '@helseid-zones/protocol/errors';
import { isObject } from '@helseid-zones/protocol/required';
import { processGenericTokenEndpointResponse, type TokenEndpointResponse } from 'oauth4webapi';
import type { Answer } from './authenticate.ts';
import { type ProcessResponse, readIdToken } from './id-token.ts';
import { revokeToken } from './logout.ts';
import { readAs } from './oauth-errors.ts';
import type { TokenClient } from './token-client.ts';
import type { AccessToken, KeyBinding, RevocationRequest, UserTokens } from './tokens.ts';

/**
 * Reads the answer of the token endpoint apart from its ID token. An opaque token shows no key it is bound to, and that is
 * fine (RFC 9449 6).
 *
 * @throws {ZonesError} token_invalid: its `token_type` is not DPoP, in whatever case it is written, or no `Authorization` header
 * can carry the token
 * @throws {ZonesError} binding_mismatch: it shows another key than the one our proof was signed with
 */
export async function readTokens(answer: Answer): Promise<AccessToken & { body: TokenEndpointResponse }> {
  const { as, oauth, response, sentAt, proof, askedScope } = answer;
  const body = await readAs(
    'token_invalid',
    'The token response is not valid',
    async () => processGenericTokenEndpointResponse(as, oauth, await withoutIdToken(response)),
    { status: response.status },
  );
  if (body.token_type !== 'dpop' || !proof) {
    throw new ZonesError(
      'token_invalid',
      `The server issued a ${body.token_type} token where DPoP was asked for; turn DPoP on in the client's registration.`,
    );
  }
  requireToken68(body.access_token);
  const binding: KeyBinding = { kid: proof.kid, jkt: proof.jkt };
  const bound = readBoundKey(body.access_token);
  if (bound !== undefined && bound !== binding.jkt) {
    const message = 'The token is bound to another key than the one it was asked for with.';
    const facts = { expected: binding.jkt, actual: bound };
    throw new ZonesError('binding_mismatch', message, { facts });
  }
  const rejected = body['rejected_scope'];
  // A token that is over before it came: the server can't mean that, and an API will tell.
  const expiresIn = body.expires_in || undefined;
  return {
    accessToken: body.access_token,
    binding,
    expiresIn,
    expiresAt: expiresIn && sentAt + expiresIn,
    scope: body.scope ?? askedScope,
    rejectedScope: typeof rejected === 'string' ? rejected : undefined,
    body,
  };
}

/** @throws {ZonesError} token_invalid: the token is not of the form an `Authorization` header takes (RFC 9110 11.2, token68) */
export function requireToken68(token: string): void {
  if (!/^[A-Za-z0-9\-._~+/]+=*$/.test(token))
    throw new ZonesError(
      'token_invalid',
      'The access token has characters that no Authorization header takes; the issuer must not issue such.',
    );
}

/** `cnf.jkt` of an access token that is a readable JWT; `''` where that is malformed, so that it equals no key. */
function readBoundKey(token: string): string | undefined {
  const [, payload, , ...more] = token.split('.');
  if (payload === undefined || more.length > 0) return undefined;
  try {
    // Not by jose, which a function that only calls APIs needs for nothing else.
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
    if (!isObject(claims) || !('cnf' in claims)) return undefined;
    const { cnf } = claims;
    return isObject(cnf) && typeof cnf['jkt'] === 'string' ? cnf['jkt'] : '';
  } catch {
    return undefined;
  }
}

/** The same answer without its ID token, which is checked on its own and with a code of its own. */
async function withoutIdToken(response: Response): Promise<Response> {
  const body: unknown = await response
    .clone()
    .json()
    .catch(() => undefined);
  if (!isObject(body) || !('id_token' in body)) return response.clone();
  const { id_token: _, ...rest } = body;
  return new Response(JSON.stringify(rest), { status: response.status, headers: response.headers });
}

/**
 * Reads a token response of a user grant: access token, refresh token with its expiry, ID token where there is one. A
 * lifetime (`rt_expires_in`) that is not positive, or that comes without a refresh token, would end a session that works:
 * it is given as `ignoredRefreshTokenLifetime` instead.
 */
export async function readUserTokens(
  client: TokenClient,
  answer: Answer,
  process: ProcessResponse,
): Promise<UserTokens> {
  const { body, ...token } = await readTokens(answer);
  const { as, oauth, response, sentAt } = answer;
  const id = await readIdToken(client, () => process(as, oauth, response));
  return { ...token, ...readRefreshToken(body.refresh_token, body['rt_expires_in'], sentAt), ...id };
}

function readRefreshToken(refreshToken: string | undefined, lifetime: unknown, sentAt: number) {
  const token = refreshToken === undefined ? {} : { refreshToken };
  if (lifetime === undefined) return token;
  if (refreshToken !== undefined && typeof lifetime === 'number' && lifetime > 0)
    return { refreshToken, refreshTokenExpiresAt: sentAt + lifetime };
  const ignoredRefreshTokenLifetime = typeof lifetime === 'number' ? lifetime : typeof lifetime;
  return { ...token, ignoredRefreshTokenLifetime };
}

/**
 * Runs `read` over a token response. Where it throws, nobody will hold the tokens of that response: the refresh token is
 * revoked (RFC 7009), with which servers end the access token too, or the access token where it came alone. A refresh
 * token that is `held` already stays valid, and access tokens got with it are left to lapse, since a server may end both
 * together (RFC 7009 2.1).
 *
 * @throws {ZonesError} what `read` throws; `facts.revocation` then tells why a revocation failed
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
