import { ZonesError } from '@helseid-zones/protocol/errors';
import { canonicalUrl } from '@helseid-zones/protocol/url';
import type { GatewayRequest } from '../login-common/request.ts';
import type { ForwardTarget } from '../login-common/settings.ts';

/** One path segment (RFC 3986 3.3) without percent-encoding, which API Gateway and APIs read differently. */
const SEGMENT = /^[^/?#%]{1,200}$/;

/**
 * The URL at the API: its base URL, the declared path with the request's path parameters filled in, and the query.
 *
 * @throws {ZonesError} request_malformed: a parameter is missing or not one segment, or no proof could be signed for the path
 * ({@link canonicalUrl}): dot segments, characters that must be encoded
 */
export function buildTargetUrl(route: ForwardTarget, request: GatewayRequest): string {
  const path = (route.to ?? route.path).replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = request.pathParameters.get(name) ?? '';
    if (!SEGMENT.test(value)) throw parameterError();
    return value;
  });
  const url = route.baseUrl + path;
  try {
    canonicalUrl(url);
  } catch (cause) {
    throw parameterError(cause);
  }
  const query = request.query.toString();
  return query === '' ? url : `${url}?${query}`;
}

function parameterError(cause?: unknown): ZonesError {
  const message = 'A path parameter has characters that are not passed on.';
  return new ZonesError('request_malformed', message, { cause });
}
