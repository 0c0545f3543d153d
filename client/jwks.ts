import { createPublicKey } from 'node:crypto';
import { ZonesError } from '@helseid-zones/protocol/errors';
import {
  createLocalJWKSet,
  errors,
  type JSONWebKeySet,
  type JWK,
  type JWTVerifyGetKey,
  type JWTVerifyResult,
  jwtVerify,
} from 'jose';
import type { AuthorizationServer } from 'oauth4webapi';
import { type Cached, createCached } from './cached.ts';
import type { Transport } from './http.ts';
import { fetchDocument, requireEndpoint } from './metadata.ts';
import { CLOCK_TOLERANCE, type TokenClient } from './token-client.ts';

/** The issuer's public keys. Rejects with `issuer_unreachable` or `metadata_invalid`. */
export type KeySource = Cached<JSONWebKeySet>;

/** Milliseconds after which keys are read again, so that one that the issuer withdrew does not verify for long. */
const KEYS_LIFETIME = 3600 * 1000;

/**
 * Makes a {@link KeySource} that reads `jwks_uri`. A set replaces the one before only where it can be used: of its keys those
 * are taken that verify signatures, the others ignored (RFC 7517 5); one must be left, and no two that a `kid` can't tell apart.
 */
export function createKeySource(
  metadata: () => Promise<AuthorizationServer>,
  transport: Transport,
): KeySource {
  return createCached({
    read: () => readKeys(metadata, transport),
    lifetime: KEYS_LIFETIME,
    now: transport.now,
  });
}

async function readKeys(
  metadata: () => Promise<AuthorizationServer>,
  { fetch, timeout }: Transport,
): Promise<JSONWebKeySet> {
  const url = requireEndpoint(await metadata(), 'jwks_uri');
  const headers = { accept: 'application/json, application/jwk-set+json' };
  const response = await fetchDocument(url, timeout, (signal) =>
    fetch(url, { headers, redirect: 'manual', signal }),
  );
  const { status } = response;
  const body: unknown = status === 200 ? await response.json().catch(() => undefined) : undefined;
  const keys = readKeySet(body);
  if (keys.length > 0 && !keys.some((key, index) => keys.slice(0, index).some(isTwin(key)))) return { keys };
  // An issuer has keys: whatever is served in their place will pass.
  const code = status === 200 ? 'metadata_invalid' : 'issuer_unreachable';
  const message = `${url} serves no JWK Set that can be used (HTTP ${status}).`;
  throw new ZonesError(code, message, { facts: { status } });
}

function readKeySet(body: unknown): JWK[] {
  const { keys } = Object(body) as { keys?: unknown };
  return Array.isArray(keys) ? keys.flatMap((key) => readKey(Object(key)) ?? []) : [];
}

/** The bits that an RSA key has at least (RFC 7518 3.3, 3.5). */
const MIN_RSA_BITS = 2048;

/** The public members of a key that verifies signatures, and what it is chosen by; nothing for any other. */
function readKey({ kid, alg, use, key_ops: ops, ...key }: Record<string, unknown>): JWK | undefined {
  if (!isOptionalText(kid) || !isOptionalText(alg) || (use !== undefined && use !== 'sig')) return undefined;
  if (ops !== undefined && !(Array.isArray(ops) && ops.includes('verify'))) return undefined;
  try {
    const imported = createPublicKey({ key, format: 'jwk' });
    const { modulusLength } = imported.asymmetricKeyDetails ?? {};
    if (modulusLength !== undefined && modulusLength < MIN_RSA_BITS) return undefined;
    return { ...imported.export({ format: 'jwk' }), kid, alg } as JWK;
  } catch {
    // Of a kind that node:crypto does not know, or with members that make no key.
    return undefined;
  }
}

/** Whether another key answers to the same `kid`: types and algorithms tell keys apart too (RFC 7517 4.5). */
function isTwin({ kid, kty, alg }: JWK): (other: JWK) => boolean {
  return (other) =>
    kid !== undefined &&
    kid === other.kid &&
    kty === other.kty &&
    (alg === other.alg || alg === undefined || other.alg === undefined);
}

function isOptionalText(value: unknown): value is string | undefined {
  return value === undefined || typeof value === 'string';
}

/**
 * The issuer's keys as `jose` asks for them: cached, and read again for a `kid` that is not among them, but for unknown
 * `kid`s at most once in `cooldown` milliseconds, so that made-up tokens don't become requests to the issuer.
 * What it makes throws:
 *
 * @throws {ZonesError} issuer_unreachable, metadata_invalid: of the key source (an unknown `kid` while the keys can't be read is
 * no refusal); and jose's `JWKSNoMatchingKey`
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

/**
 * Verifies a JWT that the issuer signed for us: signature by one of its keys with the profile's one algorithm, `iss`
 * exactly, `aud` with our client id, `exp`, `nbf`. A `kid` that the cached keys lack makes them be read again, at most once
 * in `cooldown` milliseconds.
 * @throws jose's errors, and those of the key source
 */
export async function verifyIssuerJwt(
  client: TokenClient,
  jwt: string,
  options: { cooldown: number; maxTokenAge?: number },
): Promise<JWTVerifyResult> {
  const { cooldown, ...checks } = options;
  return jwtVerify(jwt, createIssuerKeys(client.keys, { cooldown }), {
    algorithms: [client.profile.idTokenAlgorithm],
    issuer: client.issuer,
    audience: client.clientId,
    clockTolerance: CLOCK_TOLERANCE,
    currentDate: new Date(client.now()),
    ...checks,
  });
}
