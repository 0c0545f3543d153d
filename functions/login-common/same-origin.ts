import { ZonesError } from '../../client/errors.ts';
import { type GatewayRequest, readHeader } from './request.ts';

/** A request header that a page of another origin can't add without asking first (a CORS preflight, which we never grant). */
export const CSRF_HEADER = 'x-csrf';

const SAFE = new Set(['GET', 'HEAD']);

/**
 * Refuses a request that another site may have caused. Throws `csrf_refused`. Unsafe methods need one proof of the
 * same origin: `Sec-Fetch-Site: same-origin`, else the gateway's own `Origin`, else {@link CSRF_HEADER}; and none of
 * those that are there may say otherwise. Safe methods are refused only when the browser says that another site asks:
 * a sibling host counts as another, which `SameSite` alone would let through.
 */
export function requireSameOrigin(request: GatewayRequest, origin: string): void {
  const site = readHeader(request, 'sec-fetch-site');
  const from = readHeader(request, 'origin');
  const safe = SAFE.has(request.method);
  const foreign =
    (site !== undefined && site !== 'same-origin' && !(safe && site === 'none')) ||
    (from !== undefined && from !== origin);
  const proved = site === 'same-origin' || from === origin || readHeader(request, CSRF_HEADER) !== undefined;
  if (foreign || (!safe && !proved))
    throw new ZonesError(
      'csrf_refused',
      `The request did not come from a page of this site; send it from there, or with the header ${CSRF_HEADER}.`,
    );
}
