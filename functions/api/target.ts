import { ZonesError } from '../../client/errors.ts';
import type { GatewayRequest } from '../login-common/request.ts';
import type { ForwardTarget } from '../login-common/settings.ts';

/** Characters of a path segment (RFC 3986 3.3) without percent-encoding, which API Gateway and APIs read differently. */
const SEGMENT = /^(?!\.{1,2}$)[A-Za-z0-9._~!$&'()*+,;=:@-]{1,200}$/;

/**
 * The URL at the API: its base URL, the declared path with the request's path parameters filled in, and the query. Throws
 * `request_malformed` for a parameter that is missing, a dot segment, or not plain characters of one segment.
 */
export function buildTargetUrl(route: ForwardTarget, request: GatewayRequest): string {
  const path = (route.to ?? route.path).replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = request.pathParameters.get(name) ?? '';
    if (!SEGMENT.test(value))
      throw new ZonesError(
        'request_malformed',
        `The path parameter ${name} has characters that are not passed on.`,
      );
    return value;
  });
  const query = request.query.toString();
  return `${route.baseUrl}${path}${query === '' ? '' : `?${query}`}`;
}
