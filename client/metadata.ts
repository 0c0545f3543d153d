import { isZonesError, ZonesError } from '@helseid-zones/protocol/errors';
import {
  type AuthorizationServer,
  customFetch,
  discoveryRequest,
  processDiscoveryResponse,
} from 'oauth4webapi';
import { createCached } from './cached.ts';
import { describeNetworkFailure, type Fetch, isMomentary, withDeadline } from './http.ts';
import { describeCause } from './oauth-errors.ts';

/** FK2: metadata is cached for about 24 hours; an hour more while it can't be read. */
const METADATA_LIFETIME = 24 * 3600 * 1000;
const METADATA_GRACE = 3600 * 1000;

/**
 * Makes a function that reads the issuer's metadata from `<issuer>/.well-known/openid-configuration` (after the path,
 * where there is one) and keeps it for 24 hours; concurrent callers share one request, and failures are not kept.
 *
 * It throws `metadata_invalid` when the document is not metadata or names another issuer, compared as strings, a slash
 * included; `issuer_unreachable` when there is no usable answer. Endpoints are checked when they are used.
 */
export function createMetadataSource(deps: {
  issuer: string;
  fetch: Fetch;
  now: () => number;
  timeout: number;
}): () => Promise<AuthorizationServer> {
  return createCached({
    read: () => readMetadata(deps),
    lifetime: METADATA_LIFETIME,
    grace: METADATA_GRACE,
    now: deps.now,
  }).get;
}

/** The URL of an endpoint in canonical form, as signers take it; `metadata_invalid` when the issuer names none, or not one with https. */
export function requireEndpoint(as: AuthorizationServer, endpoint: keyof AuthorizationServer): string {
  const value = as[endpoint];
  const url = typeof value === 'string' ? URL.parse(value) : null;
  if (url?.protocol !== 'https:') {
    throw new ZonesError(
      'metadata_invalid',
      `The metadata of ${as.issuer} names no https ${String(endpoint)}.`,
      {
        facts: { attribute: String(endpoint) },
      },
    );
  }
  return url.href;
}

/**
 * Gets one of the issuer's documents, whole and in time: the answer's body is read already. Throws `issuer_unreachable`
 * with the status of an answer that says nothing about the document, or with what kept one from coming.
 */
export async function fetchDocument(
  url: string,
  timeout: number,
  request: (signal: AbortSignal) => Promise<Response>,
): Promise<Response> {
  let response: Response;
  try {
    response = await withDeadline(timeout, undefined, async (signal) => {
      const answer = await request(signal);
      const { status, headers } = answer;
      const bytes = await answer.arrayBuffer();
      return new Response(bytes.byteLength ? bytes : null, { status, headers });
    });
  } catch (cause) {
    throw unreachable(url, describeNetworkFailure(cause), cause);
  }
  const { status } = response;
  if (isMomentary(status)) throw unreachable(url, { status });
  return response;
}

async function readMetadata(deps: {
  issuer: string;
  fetch: Fetch;
  timeout: number;
}): Promise<AuthorizationServer> {
  const { issuer } = deps;
  const url = URL.parse(issuer);
  if (url?.protocol !== 'https:')
    throw new ZonesError(
      'metadata_invalid',
      `The issuer ${issuer} is no https URL; correct the declaration.`,
    );
  const response = await fetchDocument(issuer, deps.timeout, (signal) =>
    discoveryRequest(url, {
      // The library's options have an explicit `body: undefined`, which RequestInit does not.
      [customFetch]: (input, { body: _, ...init }) => deps.fetch(input, init as RequestInit),
      signal,
    }),
  );
  try {
    const metadata = await processDiscoveryResponse(url, response);
    if (metadata.issuer !== issuer) throw foreign(issuer);
    return metadata;
  } catch (error) {
    if (isZonesError(error)) throw error;
    const { code, cause } = describeCause(error);
    if (code === 'OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED') throw foreign(issuer);
    const { status } = response;
    throw new ZonesError(
      'metadata_invalid',
      `What ${issuer} serves as OpenID configuration (HTTP ${status}) is not metadata; check the issuer in the declaration.`,
      { cause, facts: { status } },
    );
  }
}

function foreign(issuer: string): ZonesError {
  return new ZonesError(
    'metadata_invalid',
    `The metadata names another issuer than ${issuer}; declare it exactly as the metadata says, slashes included.`,
  );
}

function unreachable(url: string, facts: Record<string, string | number>, cause?: unknown): ZonesError {
  const why = Object.values(facts).join(' ') || 'no answer';
  return new ZonesError('issuer_unreachable', `${url} could not be read (${why}); try again.`, {
    cause,
    facts,
  });
}
