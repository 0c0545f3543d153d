import {
  type AuthorizationServer,
  customFetch,
  discoveryRequest,
  processDiscoveryResponse,
} from 'oauth4webapi';
import { isZonesError, ZonesError } from './errors.ts';
import { type Fetch, withDeadline, withSecondConnection } from './http.ts';
import { describeCause } from './oauth-errors.ts';

/** FK2: metadata is cached for about 24 hours. */
const METADATA_LIFETIME = 24 * 3600 * 1000;

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
  let kept: { metadata: Promise<AuthorizationServer>; until: number } | undefined;
  return () => {
    if (kept && deps.now() < kept.until) return kept.metadata;
    const reading = {
      metadata: withSecondConnection(() => readMetadata(deps)),
      until: deps.now() + METADATA_LIFETIME,
    };
    kept = reading;
    reading.metadata.catch(() => {
      if (kept === reading) kept = undefined;
    });
    return reading.metadata;
  };
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

async function readMetadata(deps: {
  issuer: string;
  fetch: Fetch;
  timeout: number;
}): Promise<AuthorizationServer> {
  const { issuer } = deps;
  try {
    const url = new URL(issuer);
    return await withDeadline(deps.timeout, undefined, async (signal) => {
      const response = await discoveryRequest(url, {
        // The library's options have an explicit `body: undefined`, which RequestInit does not.
        [customFetch]: (input, { body: _, ...init }) => deps.fetch(input, init as RequestInit),
        signal,
      });
      if (response.status >= 500) throw unreachable(issuer, response.status);
      const metadata = await processDiscoveryResponse(url, response);
      if (metadata.issuer !== issuer) throw foreign(issuer);
      return metadata;
    });
  } catch (error) {
    if (isZonesError(error)) throw error;
    const { code, cause } = describeCause(error);
    if (code === 'OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED') throw foreign(issuer);
    if (code === undefined) throw unreachable(issuer, 0, cause);
    throw new ZonesError(
      'metadata_invalid',
      `What ${issuer} serves as OpenID configuration is not metadata; check the issuer in the declaration.`,
      { cause },
    );
  }
}

function foreign(issuer: string): ZonesError {
  return new ZonesError(
    'metadata_invalid',
    `The metadata names another issuer than ${issuer}; declare it exactly as the metadata says, slashes included.`,
  );
}

function unreachable(issuer: string, status: number, cause?: unknown): ZonesError {
  return new ZonesError('issuer_unreachable', `The metadata of ${issuer} could not be read.`, {
    cause,
    ...(status ? { facts: { status } } : {}),
  });
}
