import { isZonesError, ZonesError } from '@helseid-zones/protocol/errors';
import { isObject, parseJson } from '@helseid-zones/protocol/values';
import {
  type AuthorizationServer,
  type Client,
  genericTokenEndpointRequest,
  getValidatedIdTokenClaims,
  type IDToken,
  processGenericTokenEndpointResponse,
  type TokenEndpointResponse,
} from 'oauth4webapi';
import { type Answer, requestAuthenticated } from './authenticated-request.ts';
import { readJson } from './http.ts';
import { CLOCK_TOLERANCE, verifyIssuerJwt } from './issuer.ts';
import { revokeToken } from './logout.ts';
import { readAs } from './oauth-errors.ts';
import type { TokenClient } from './token-client.ts';
import type {
  AccessToken,
  AccessTokenRequest,
  IdTokenClaims,
  KeyBinding,
  RevocationRequest,
} from './tokens.ts';

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
  const { status } = response;
  const body = await readAs('token_invalid', 'The token response is not valid', { status }, async () =>
    processGenericTokenEndpointResponse(as, oauth, await withoutIdToken(response)),
  );
  if (body.token_type !== 'dpop' || !proof)
    throw new ZonesError(
      'token_invalid',
      `The server issued a ${body.token_type} token where DPoP was asked for; turn DPoP on in the client's registration.`,
    );
  requireToken68(body.access_token);
  const { kid, jkt } = proof;
  const bound = readBoundKey(body.access_token);
  if (bound !== undefined && bound !== jkt) {
    const message = 'The token is bound to another key than the one it was asked for with.';
    throw new ZonesError('binding_mismatch', message, { facts: { expected: jkt, actual: bound } });
  }
  const rejected = body['rejected_scope'];
  // A token that is over before it came: the server can't mean that, and an API will tell.
  const expiresIn = body.expires_in || undefined;
  return {
    accessToken: body.access_token,
    binding: { kid, jkt },
    expiresIn,
    expiresAt: expiresIn && sentAt + expiresIn,
    scope: body.scope ?? askedScope,
    rejectedScope: typeof rejected === 'string' ? rejected : undefined,
    body,
  };
}

/** @throws {ZonesError} token_invalid: the token is not of the form an `Authorization` header takes (RFC 9110 11.2, token68) */
export function requireToken68(token: string): void {
  if (/^[A-Za-z0-9\-._~+/]+=*$/.test(token)) return;
  const message =
    'The access token has characters that no Authorization header takes; the issuer must not issue such.';
  throw new ZonesError('token_invalid', message);
}

/** `cnf.jkt` of an access token that is a readable JWT; `''` where that is malformed, so that it equals no key. */
function readBoundKey(token: string): string | undefined {
  const [, payload, , ...more] = token.split('.');
  if (payload === undefined || more.length > 0) return undefined;
  // Not by jose, which a function that only calls APIs needs for nothing else.
  const claims = parseJson(Buffer.from(payload, 'base64url').toString('utf8'));
  if (!isObject(claims) || !('cnf' in claims)) return undefined;
  const { cnf } = claims;
  return isObject(cnf) && typeof cnf['jkt'] === 'string' ? cnf['jkt'] : '';
}

/** The same answer without its ID token, which is checked on its own and with a code of its own. */
async function withoutIdToken(response: Response): Promise<Response> {
  const body = await readJson(response.clone());
  if (!isObject(body) || !('id_token' in body)) return response.clone();
  const { id_token: _, ...rest } = body;
  return new Response(JSON.stringify(rest), { status: response.status, headers: response.headers });
}

/**
 * Reads a token response of a user grant: access token, refresh token with its expiry, ID token where there is one. A
 * lifetime (`rt_expires_in`) that is not positive, or that comes without a refresh token, would end a session that works:
 * it is given as `ignoredRefreshTokenLifetime` instead.
 */
export async function readUserTokens(client: TokenClient, answer: Answer, process: ProcessResponse) {
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
 * Asks the token endpoint by a grant, with a proof by the current key or the one of `binding`, and reads the answer by `read`.
 * `parameters` are the grant's own; what is absent is not sent. Of `held` see {@link acceptTokens}.
 *
 * @throws {ZonesError} what {@link requestAuthenticated} and `read` throw
 */
export function requestGrant<T>(
  client: TokenClient,
  grantType: string,
  request: AccessTokenRequest & { audience?: string | undefined; binding?: KeyBinding | undefined },
  parameters: Readonly<Record<string, string>>,
  read: (answer: Answer) => Promise<T>,
  held?: string,
): Promise<T> {
  const { resource, audience, details, binding, signal } = request;
  const askedScope = request.scopes?.length ? request.scopes.join(' ') : undefined;
  const form = new URLSearchParams(parameters);
  for (const [name, value] of Object.entries({ scope: askedScope, resource, audience }))
    if (value !== undefined) form.set(name, value);
  return requestAuthenticated(client, {
    endpoint: 'token_endpoint',
    proof: { kid: binding?.kid },
    details,
    signal,
    send: ({ as, oauth, auth, options }) =>
      genericTokenEndpointRequest(as, oauth, auth, grantType, form, options),
    read: (answer) => acceptTokens(client, answer, () => read({ ...answer, askedScope }), held),
  });
}

/**
 * Runs `read` over a token response. Where it throws, nobody will hold the tokens of that response: the refresh token is
 * revoked (RFC 7009), with which servers end the access token too, or the access token where it came alone. A refresh
 * token that is `held` already stays valid, and access tokens got with it are left to lapse, since a server may end both
 * together (RFC 7009 2.1).
 *
 * @throws {ZonesError} what `read` throws; `facts.revocation` then tells why a revocation failed
 */
async function acceptTokens<T>(
  client: TokenClient,
  { response }: Answer,
  read: () => Promise<T>,
  held?: string,
): Promise<T> {
  const body = response.clone();
  try {
    return await read();
  } catch (error) {
    const unkept = chooseToken(await readJson(body), held);
    if (!unkept) throw error;
    await revokeToken(client, unkept).catch((failed: unknown) => {
      if (!isZonesError(error)) throw error;
      const { code, message, cause, facts } = error;
      const revocation = isZonesError(failed) ? failed.code : 'unexpected';
      throw new ZonesError(code, message, { cause, facts: { ...facts, revocation } });
    });
    throw error;
  }
}

function chooseToken(body: unknown, held: string | undefined): RevocationRequest | undefined {
  const { refresh_token: refresh, access_token: access } = Object(body) as Record<string, unknown>;
  if (isToken(refresh)) return refresh === held ? undefined : { token: refresh, hint: 'refresh_token' };
  return isToken(access) && held === undefined ? { token: access, hint: 'access_token' } : undefined;
}

/** An empty text is a token to nobody (RFC 6749 A.12, A.17). */
const isToken = (value: unknown): value is string => typeof value === 'string' && value !== '';

/**
 * Reads the ID token of a token response. `process` is the library's function for the grant, which checks the claims
 * (OpenID Connect Core 3.1.3.7: `iss`, `aud`, `exp`, `iat`, `nonce`, `auth_time`, the one algorithm). What it leaves to
 * us is done here: the signature, no audience but ours, no `iat` in the future. A `sid` that is no text, or empty, is left
 * out: no logout token can name it.
 *
 * Does not check `acr` (HelseID issues none) or the security level: that is the login's.
 * @throws {ZonesError} id_token_invalid: any check fails
 */
function readIdToken(client: TokenClient, process: () => Promise<TokenEndpointResponse>) {
  return readAs('id_token_invalid', 'The ID token is not valid', {}, async () => {
    const body = await process();
    const claims = getValidatedIdTokenClaims(body);
    if (body.id_token === undefined || claims === undefined) return undefined;
    // The keys may be new; the token came straight from the issuer, so asking once more can't be abused.
    await verifyIssuerJwt(client, body.id_token, { cooldown: 0 });
    checkAudience(client, claims);
    if (claims.iat > client.now() / 1000 + CLOCK_TOLERANCE) throw invalid('has an "iat" in the future');
    if (claims.sub === '') throw invalid('has an empty "sub"');
    return { idToken: body.id_token, idTokenClaims: readClaims(claims) };
  });
}

/** The claims by their types, where the library looks at no type: it compares a `nonce` only at the login, and ignores `sid`. */
function readClaims({ sid, nonce, ...claims }: IDToken): IdTokenClaims {
  if (nonce !== undefined && typeof nonce !== 'string') throw invalid('has a "nonce" that is no text');
  return {
    ...claims,
    ...(nonce === undefined ? {} : { nonce }),
    ...(typeof sid === 'string' && sid !== '' ? { sid } : {}),
  };
}

/** What the library's functions for the grants have in common. */
export type ProcessResponse = (
  as: AuthorizationServer,
  oauth: Client,
  response: Response,
) => Promise<TokenEndpointResponse>;

/** HelseID's rule is "our client id only"; the library lets others in where `azp` is ours. */
function checkAudience(client: TokenClient, claims: IdTokenClaims): void {
  const audiences = [claims.aud].flat();
  if (audiences.length !== 1 || audiences[0] !== client.clientId)
    throw invalid('has an "aud" with others in it');
  if (claims['azp'] !== undefined && claims['azp'] !== client.clientId)
    throw invalid('has the "azp" of another client');
}

const invalid = (what: string): ZonesError => new ZonesError('id_token_invalid', `The ID token ${what}.`);
