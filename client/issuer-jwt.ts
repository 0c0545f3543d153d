import { type JWTVerifyOptions, type JWTVerifyResult, jwtVerify } from 'jose';
import { createIssuerKeys } from './issuer-keys.ts';
import { CLOCK_TOLERANCE, type TokenClient } from './token-client.ts';

/**
 * Verifies a JWT that the issuer signed for us: signature by one of its keys with the profile's one algorithm, `iss`
 * exactly, `aud` with our client id, `exp`, `nbf`. A `kid` that the cached keys lack makes them be read again, at most once
 * in `cooldown` milliseconds. Throws jose's errors, and those of the key source.
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
