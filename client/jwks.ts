import { ZonesError } from '@helseid-zones/protocol/errors';
import type { AuthorizationServer } from 'oauth4webapi';
import { type Cached, createCached } from './cached.ts';
import type { Fetch } from './http.ts';
import { fetchDocument, requireEndpoint } from './metadata.ts';

/** A JWK Set (RFC 7517 5), as far as it has been looked at. */
export interface KeySet {
  keys: Record<string, unknown>[];
}

/** The issuer's public keys. Rejects with `issuer_unreachable` or `metadata_invalid`. */
export type KeySource = Cached<KeySet>;

/** Milliseconds after which keys are read again, so that one that the issuer withdrew does not verify for long. */
const KEYS_LIFETIME = 3600 * 1000;

/** Makes a {@link KeySource} that reads `jwks_uri`. Does not check the keys: `jose` does, when one is used. */
export function createKeySource(deps: {
  metadata: () => Promise<AuthorizationServer>;
  fetch: Fetch;
  now: () => number;
  timeout: number;
}): KeySource {
  return createCached({ read: () => readKeys(deps), lifetime: KEYS_LIFETIME, now: deps.now });
}

async function readKeys(deps: {
  metadata: () => Promise<AuthorizationServer>;
  fetch: Fetch;
  timeout: number;
}): Promise<KeySet> {
  const url = requireEndpoint(await deps.metadata(), 'jwks_uri');
  const headers = { accept: 'application/json, application/jwk-set+json' };
  const response = await fetchDocument(url, deps.timeout, (signal) =>
    deps.fetch(url, { headers, redirect: 'manual', signal }),
  );
  const { status } = response;
  const body: unknown = status === 200 ? await response.json().catch(() => undefined) : undefined;
  if (isKeySet(body)) return body;
  // An issuer has keys: whatever is served in their place will pass.
  const code = status === 200 ? 'metadata_invalid' : 'issuer_unreachable';
  throw new ZonesError(code, `${url} does not serve a JWK Set (HTTP ${status}).`, { facts: { status } });
}

function isKeySet(body: unknown): body is KeySet {
  if (typeof body !== 'object' || body === null || !('keys' in body)) return false;
  return Array.isArray(body.keys) && body.keys.every((key) => typeof key === 'object' && key !== null);
}
