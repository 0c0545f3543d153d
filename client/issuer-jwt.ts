import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyOptions, jwtVerify } from 'jose';
import type { KeySet } from './jwks.ts';
import { CLOCK_TOLERANCE, type TokenClient } from './token-client.ts';

/**
 * Verifies a JWT that the issuer signed for us: signature by one of its keys with the profile's one algorithm, `iss`
 * exactly, `aud` with our client id, `exp`, `nbf`. A `kid` that the cached keys lack makes them be read again, if they
 * are older than `cooldown` milliseconds. Throws jose's errors, and those of the key source.
 */
export async function verifyIssuerJwt(
  client: TokenClient,
  jwt: string,
  options: JWTVerifyOptions & { cooldown: number },
): Promise<{ [claim: string]: unknown }> {
  const { cooldown, ...checks } = options;
  const start = client.now();
  const verify = async (keys: KeySet) => {
    const { payload } = await jwtVerify(jwt, createLocalJWKSet(keys as unknown as JSONWebKeySet), {
      algorithms: [client.profile.idTokenAlgorithm],
      issuer: client.issuer,
      audience: client.clientId,
      clockTolerance: CLOCK_TOLERANCE,
      currentDate: new Date(start),
      ...checks,
    });
    return payload;
  };
  try {
    return await verify(await client.keys.get());
  } catch (error) {
    if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
    return await verify(await client.keys.get(start - cooldown));
  }
}
