import { createLocalJWKSet, errors, type JWTVerifyGetKey } from 'jose';
import type { KeySource } from './jwks.ts';

/**
 * The issuer's keys as `jose` asks for them: cached, and read again for a `kid` that is not among them, but for unknown
 * `kid`s at most once in `cooldown` milliseconds, so that made-up tokens don't become requests to the issuer.
 * Throws `issuer_unreachable` and `metadata_invalid` of the key source (an unknown `kid` while the keys can't be read is no
 * refusal), and jose's `JWKSNoMatchingKey`.
 */
export function createIssuerKeys(source: KeySource, { cooldown }: { cooldown: number }): JWTVerifyGetKey {
  return async (...request) => {
    const known = createLocalJWKSet(await source.get());
    try {
      return await known(...request);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
    }
    return createLocalJWKSet(await source.getAgain(cooldown))(...request);
  };
}
