import { createPublicKey } from 'node:crypto';
import { type Facts, isZonesError, ZonesError } from '@helseid-zones/protocol/errors';
import { parseUrl } from '@helseid-zones/protocol/url';
import * as jose from 'jose';
import {
  type AuthorizationServer,
  customFetch,
  discoveryRequest,
  processDiscoveryResponse,
} from 'oauth4webapi';
import { type Cached, createCached } from './cached.ts';
import { describeNetworkFailure } from './errors.ts';
import { isMomentary, readJson, readWhole, type Transport, withDeadline } from './http.ts';
import { describeCause } from './oauth-errors.ts';
import type { TokenClient } from './token-client.ts';

/** Seconds by which the issuer's clock and ours may differ when ID tokens are checked. */
export const CLOCK_TOLERANCE = 5;

/** HelseID demands (FK2, docs/requirements.md) that metadata is cached for about 24 hours; an hour more while it can't be read. */
const METADATA_LIFETIME = 24 * 3600 * 1000;
const METADATA_GRACE = 3600 * 1000;

/**
 * Makes a function that reads the issuer's metadata from `<issuer>/.well-known/openid-configuration` (after the path,
 * where there is one) and keeps it for 24 hours; concurrent callers share one request, and failures are not kept.
 * Endpoints are checked when they are used. What it makes throws:
 *
 * @throws {ZonesError} metadata_invalid: the document is not metadata or names another issuer, compared as strings, a slash
 * included
 * @throws {ZonesError} issuer_unreachable: there is no usable answer
 */
export function createMetadataSource(issuer: string, transport: Transport) {
  return createCached({
    read: () => readMetadata(issuer, transport),
    lifetime: METADATA_LIFETIME,
    grace: METADATA_GRACE,
    now: transport.now,
  }).get;
}

/**
 * The URL of an endpoint in canonical form, as signers take it.
 *
 * @throws {ZonesError} metadata_invalid: the issuer names none, or not one with https
 */
export function requireEndpoint(as: AuthorizationServer, endpoint: keyof AuthorizationServer): string {
  const attribute = String(endpoint);
  const value = as[endpoint];
  const url = typeof value === 'string' ? parseUrl(value) : undefined;
  if (url?.protocol === 'https:') return url.href;
  throw invalid(`The metadata of ${as.issuer} names no https ${attribute}.`, { attribute });
}

/**
 * Gets one of the issuer's documents, whole and in time: the answer's body is read already.
 *
 * @throws {ZonesError} issuer_unreachable: with the status of an answer that says nothing about the document, or what kept one
 * from coming
 */
export async function fetchDocument(
  url: string,
  timeout: number,
  request: (signal: AbortSignal) => Promise<Response>,
): Promise<Response> {
  const response = await withDeadline(timeout, undefined, async (signal) =>
    readWhole(await request(signal)),
  ).catch((cause: unknown) => {
    throw unreachable(url, describeNetworkFailure(cause), cause);
  });
  const { status } = response;
  if (isMomentary(status)) throw unreachable(url, { status });
  return response;
}

async function readMetadata(issuer: string, { fetch, timeout }: Transport): Promise<AuthorizationServer> {
  const url = parseUrl(issuer);
  if (url?.protocol !== 'https:')
    throw invalid(`The issuer ${issuer} is no https URL; correct the declaration.`);
  const response = await fetchDocument(issuer, timeout, (signal) =>
    discoveryRequest(url, {
      // The library's options have an explicit `body: undefined`, which RequestInit does not.
      [customFetch]: (input, { body: _, ...init }) => fetch(input, init as RequestInit),
      signal,
    }),
  );
  const foreign = `The metadata names another issuer than ${issuer}; declare it exactly as the metadata says, slashes included.`;
  try {
    const metadata = await processDiscoveryResponse(url, response);
    if (metadata.issuer !== issuer) throw invalid(foreign);
    return metadata;
  } catch (error) {
    if (isZonesError(error)) throw error;
    const { code, cause } = describeCause(error);
    if (code === 'OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED') throw invalid(foreign);
    const { status } = response;
    const message = `What ${issuer} serves as OpenID configuration (HTTP ${status}) is not metadata; check the issuer in the declaration.`;
    throw invalid(message, { status }, cause);
  }
}

const invalid = (message: string, facts: Facts = {}, cause?: unknown): ZonesError =>
  new ZonesError('metadata_invalid', message, { cause, facts });

function unreachable(url: string, facts: Facts, cause?: unknown): ZonesError {
  const why = Object.values(facts).join(' ') || (cause instanceof RangeError ? 'too long' : 'no answer');
  const message = `${url} could not be read (${why}); try again.`;
  return new ZonesError('issuer_unreachable', message, { cause, facts });
}

/** The issuer's public keys. Rejects with `issuer_unreachable` or `metadata_invalid`. */
export type KeySource = Cached<jose.JSONWebKeySet>;

/** Milliseconds after which keys are read again, so that one that the issuer withdrew does not verify for long. */
const KEYS_LIFETIME = 3600 * 1000;

/**
 * Makes a {@link KeySource} that reads `jwks_uri`. A set replaces the one before only where it can be used: of its keys those
 * are taken that verify signatures, the others ignored (RFC 7517 5); one must be left, and no two that a `kid` can't tell apart.
 */
export function createKeySource(metadata: () => Promise<AuthorizationServer>, transport: Transport) {
  return createCached({
    read: () => readKeys(metadata, transport),
    lifetime: KEYS_LIFETIME,
    now: transport.now,
  });
}

async function readKeys(metadata: () => Promise<AuthorizationServer>, { fetch, timeout }: Transport) {
  const url = requireEndpoint(await metadata(), 'jwks_uri');
  const headers = { accept: 'application/json, application/jwk-set+json' };
  const response = await fetchDocument(url, timeout, (signal) =>
    fetch(url, { headers, redirect: 'manual', signal }),
  );
  const { status } = response;
  const body = status === 200 ? await readJson(response) : undefined;
  const { keys: served } = Object(body) as { keys?: unknown };
  const keys = Array.isArray(served) ? served.flatMap((key) => readKey(Object(key)) ?? []) : [];
  if (keys.length > 0 && !keys.some((key, index) => keys.slice(0, index).some(isTwin(key)))) return { keys };
  // An issuer has keys: whatever is served in their place will pass.
  const code = status === 200 ? 'metadata_invalid' : 'issuer_unreachable';
  const message = `${url} serves no JWK Set that can be used (HTTP ${status}).`;
  throw new ZonesError(code, message, { facts: { status } });
}

/** The bits that an RSA key has at least (RFC 7518 3.3, 3.5). */
const MIN_RSA_BITS = 2048;

/** The public members of a key that verifies signatures, and what it is chosen by; nothing for any other. */
function readKey({ kid, alg, use, key_ops: ops, ...key }: Record<string, unknown>): jose.JWK | undefined {
  if (!isOptionalText(kid) || !isOptionalText(alg) || (use !== undefined && use !== 'sig')) return undefined;
  if (ops !== undefined && !(Array.isArray(ops) && ops.includes('verify'))) return undefined;
  try {
    const imported = createPublicKey({ key, format: 'jwk' });
    const { modulusLength } = imported.asymmetricKeyDetails ?? {};
    if (modulusLength !== undefined && modulusLength < MIN_RSA_BITS) return undefined;
    return { ...imported.export({ format: 'jwk' }), kid, alg } as jose.JWK;
  } catch {
    // Of a kind that node:crypto does not know, or with members that make no key.
    return undefined;
  }
}

/** Whether another key answers to the same `kid`: types and algorithms tell keys apart too (RFC 7517 4.5). */
function isTwin({ kid, kty, alg }: jose.JWK): (other: jose.JWK) => boolean {
  return (other) =>
    kid !== undefined &&
    kid === other.kid &&
    kty === other.kty &&
    (alg === other.alg || alg === undefined || other.alg === undefined);
}

const isOptionalText = (value: unknown): value is string | undefined =>
  value === undefined || typeof value === 'string';

/**
 * The issuer's keys as `jose` asks for them: cached, and read again for a `kid` that is not among them, but for unknown
 * `kid`s at most once in `cooldown` milliseconds, so that made-up tokens don't become requests to the issuer.
 * What it makes throws:
 *
 * @throws {ZonesError} issuer_unreachable, metadata_invalid: of the key source (an unknown `kid` while the keys can't be read is
 * no refusal); and jose's `JWKSNoMatchingKey`
 */
export function createIssuerKeys(
  source: KeySource,
  { cooldown }: { cooldown: number },
): jose.JWTVerifyGetKey {
  return async (...request) => {
    const known = jose.createLocalJWKSet(await source.get());
    try {
      return await known(...request);
    } catch (error) {
      if (!(error instanceof jose.errors.JWKSNoMatchingKey)) throw error;
    }
    return jose.createLocalJWKSet(await source.getAgain(cooldown))(...request);
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
): Promise<jose.JWTVerifyResult> {
  const { cooldown, ...checks } = options;
  return jose.jwtVerify(jwt, createIssuerKeys(client.keys, { cooldown }), {
    algorithms: [client.profile.idTokenAlgorithm],
    issuer: client.issuer,
    audience: client.clientId,
    clockTolerance: CLOCK_TOLERANCE,
    currentDate: new Date(client.now()),
    ...checks,
  });
}
