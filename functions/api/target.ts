import { ZonesError } from '@helseid-zones/protocol/errors';
import { canonicalUrl } from '@helseid-zones/protocol/url';
import type { GatewayRequest } from '../login-common/request.ts';
import type { ForwardTarget } from '../login-common/settings.ts';

/** One path segment (RFC 3986 3.3) without percent-encoding, which API Gateway and APIs read differently. */
const SEGMENT = /^[^/?#%]{1,200}$/;

/**
 * The URL at the API: its base URL, the declared path with the request's path parameters filled in, and the query. Throws
 * `request_malformed` for a parameter that is missing or not one segment, and for a path that no proof could be signed
 * for ({@link canonicalUrl}): dot segments, characters that must be encoded.
 */
export function buildTargetUrl(route: ForwardTarget, request: GatewayRequest): string {
  const refuse = (cause?: unknown) =>
    new ZonesError('request_malformed', 'A path parameter has characters that are not passed on.', { cause });
  const path = (route.to ?? route.path).replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = request.pathParameters.get(name) ?? '';
    if (!SEGMENT.test(value)) throw refuse();
    return value;
  });
  const url = route.baseUrl + path;
  try {
    canonicalUrl(url);
  } catch (cause) {
    throw refuse(cause);
  }
  const query = request.query.toString();
  return query === '' ? url : `${url}?${query}`;
}
