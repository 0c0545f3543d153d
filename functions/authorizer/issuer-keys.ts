import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose';
import type { KeySource } from '../../client/jwks.ts';

/** Milliseconds between two readings of the issuer's keys, however many unknown `kid`s are shown to us. */
const COOLDOWN = 30_000;

/**
 * The issuer's keys as `jose` asks for them: cached, and read again for a `kid` that is not among them, but not more
 * often than every 30 seconds, so that made-up tokens don't become requests to the issuer.
 * Throws `issuer_unreachable` and `metadata_invalid` of the key source, and jose's `JWKSNoMatchingKey`.
 */
export function createIssuerKeys(source: KeySource, now: () => number = Date.now): JWTVerifyGetKey {
  const find = async (since: number, ...request: Parameters<JWTVerifyGetKey>) =>
    createLocalJWKSet((await source.get(since)) as unknown as JSONWebKeySet)(...request);
  return async (...request) => {
    try {
      return await find(0, ...request);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      return find(now() - COOLDOWN, ...request);
    }
  };
}
