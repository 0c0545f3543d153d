import { type Facts, isZonesError, ZonesError } from '@helseid-zones/protocol/errors';
import { parseUrl } from '@helseid-zones/protocol/url';
import {
  type AuthorizationServer,
  customFetch,
  discoveryRequest,
  processDiscoveryResponse,
} from 'oauth4webapi';
import { createCached } from './cached.ts';
import { describeNetworkFailure } from './errors.ts';
import { isMomentary, readWhole, type Transport, withDeadline } from './http.ts';
import { describeCause } from './oauth-errors.ts';

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
export function createMetadataSource(
  issuer: string,
  transport: Transport,
): () => Promise<AuthorizationServer> {
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

function invalid(message: string, facts: Facts = {}, cause?: unknown): ZonesError {
  return new ZonesError('metadata_invalid', message, { cause, facts });
}

function unreachable(url: string, facts: Facts, cause?: unknown): ZonesError {
  const why = Object.values(facts).join(' ') || 'no answer';
  const message = `${url} could not be read (${why}); try again.`;
  return new ZonesError('issuer_unreachable', message, { cause, facts });
}
