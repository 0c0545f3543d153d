import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose';
import type { KeySource } from './jwks.ts';

/**
 * The issuer's keys as `jose` asks for them: cached, and read again for a `kid` that is not among them if they are older
 * than `cooldown` milliseconds, so that made-up tokens don't become requests to the issuer. `now` is epoch milliseconds.
 * Throws `issuer_unreachable` and `metadata_invalid` of the key source, and jose's `JWKSNoMatchingKey`.
 */
export function createIssuerKeys(
  source: KeySource,
  { cooldown, now }: { cooldown: number; now: () => number },
): JWTVerifyGetKey {
  const find = async (since: number, ...request: Parameters<JWTVerifyGetKey>) =>
    createLocalJWKSet((await source.get(since)) as unknown as JSONWebKeySet)(...request);
  return async (...request) => {
    const start = now();
    try {
      return await find(0, ...request);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      return find(start - cooldown, ...request);
    }
  };
}
