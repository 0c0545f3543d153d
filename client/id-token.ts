import { ZonesError } from '@helseid-zones/protocol/errors';
import { type JWTVerifyOptions, type JWTVerifyResult, jwtVerify } from 'jose';
import {
  type AuthorizationServer,
  type Client,
  getValidatedIdTokenClaims,
  type IDToken,
  type TokenEndpointResponse,
} from 'oauth4webapi';
import { createIssuerKeys } from './jwks.ts';
import { readAs } from './oauth-errors.ts';
import { CLOCK_TOLERANCE, type TokenClient } from './token-client.ts';
import type { IdTokenClaims } from './tokens.ts';

/**
 * Reads the ID token of a token response. `process` is the library's function for the grant, which checks the claims
 * (OpenID Connect Core 3.1.3.7: `iss`, `aud`, `exp`, `iat`, `nonce`, `auth_time`, the one algorithm). What it leaves to
 * us is done here: the signature, no audience but ours, no `iat` in the future. A `sid` that is no text, or empty, is left
 * out: no logout token can name it.
 *
 * Does not check `acr` (HelseID issues none) or the security level: that is the login's.
 * @throws {ZonesError} id_token_invalid: any check fails
 */
export function readIdToken(
  client: TokenClient,
  process: () => Promise<TokenEndpointResponse>,
): Promise<{ idToken: string; idTokenClaims: IdTokenClaims } | undefined> {
  return readAs('id_token_invalid', 'The ID token is not valid', async () => {
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

function invalid(what: string): ZonesError {
  return new ZonesError('id_token_invalid', `The ID token ${what}.`);
}

/**
 * Verifies a JWT that the issuer signed for us: signature by one of its keys with the profile's one algorithm, `iss`
 * exactly, `aud` with our client id, `exp`, `nbf`. A `kid` that the cached keys lack makes them be read again, at most once
 * in `cooldown` milliseconds.
 * @throws jose's errors, and those of the key source
 */
export async function verifyIssuerJwt(
  client: TokenClient,
  jwt: string,
  options: JWTVerifyOptions & { cooldown: number },
): Promise<JWTVerifyResult> {
  const { cooldown, ...checks } = options;
  const { keys, now, profile, issuer, clientId } = client;
  return jwtVerify(jwt, createIssuerKeys(keys, { cooldown }), {
    algorithms: [profile.idTokenAlgorithm],
    issuer,
    audience: clientId,
    clockTolerance: CLOCK_TOLERANCE,
    currentDate: new Date(now()),
    ...checks,
  });
}
