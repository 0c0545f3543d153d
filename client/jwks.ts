import type { AuthorizationServer } from 'oauth4webapi';
import { isZonesError, ZonesError } from './errors.ts';
import { type Fetch, withDeadline, withSecondConnection } from './http.ts';
import { requireEndpoint } from './metadata.ts';

/** A JWK Set (RFC 7517 5), as far as it has been looked at. */
export interface KeySet {
  keys: Record<string, unknown>[];
}

/** The issuer's public keys. */
export interface KeySource {
  /**
   * The keys, from the cache if they were read at or after `since` (epoch milliseconds) and are not an hour old.
   * Concurrent callers share one request. Throws `issuer_unreachable` or `metadata_invalid`.
   */
  get(since?: number): Promise<KeySet>;
}

/** Milliseconds after which keys are read again, so that one that the issuer withdrew does not verify for long. */
const KEYS_LIFETIME = 3600 * 1000;

/** Makes a {@link KeySource} that reads `jwks_uri`. Does not check the keys: `jose` does, when one is used. */
export function createKeySource(deps: {
  metadata: () => Promise<AuthorizationServer>;
  fetch: Fetch;
  now: () => number;
  timeout: number;
}): KeySource {
  let kept: { keys: Promise<KeySet>; readAt: number } | undefined;
  return {
    get(since = 0) {
      const now = deps.now();
      if (kept && kept.readAt >= since && now < kept.readAt + KEYS_LIFETIME) return kept.keys;
      const reading = { keys: withSecondConnection(() => readKeys(deps)), readAt: now };
      kept = reading;
      reading.keys.catch(() => {
        if (kept === reading) kept = undefined;
      });
      return reading.keys;
    },
  };
}

async function readKeys(deps: {
  metadata: () => Promise<AuthorizationServer>;
  fetch: Fetch;
  timeout: number;
}): Promise<KeySet> {
  const as = await deps.metadata();
  const url = requireEndpoint(as, 'jwks_uri');
  try {
    return await withDeadline(deps.timeout, undefined, async (signal) => {
      const headers = { accept: 'application/json, application/jwk-set+json' };
      const response = await deps.fetch(url, { headers, redirect: 'manual', signal });
      if (response.status !== 200) throw unreachable(url, undefined, response.status);
      const body: unknown = await response.json().catch(() => undefined);
      if (!isKeySet(body)) throw new ZonesError('metadata_invalid', `${url} does not serve a JWK Set.`);
      return body;
    });
  } catch (cause) {
    throw isZonesError(cause) ? cause : unreachable(url, cause);
  }
}

function unreachable(url: string, cause?: unknown, status?: number): ZonesError {
  const facts = status === undefined ? {} : { status };
  return new ZonesError('issuer_unreachable', `The issuer's keys could not be read from ${url}.`, {
    cause,
    facts,
  });
}

function isKeySet(body: unknown): body is KeySet {
  if (typeof body !== 'object' || body === null || !('keys' in body)) return false;
  return Array.isArray(body.keys) && body.keys.every((key) => typeof key === 'object' && key !== null);
}
