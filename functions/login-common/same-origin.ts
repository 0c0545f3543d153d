import { ZonesError } from '@helseid-zones/protocol/errors';
import { type GatewayRequest, readHeader } from './request.ts';

/** A request header that a page of another origin can't add without asking first (a CORS preflight, which we never grant). */
export const CSRF_HEADER = 'x-csrf';

const SAFE = new Set(['GET', 'HEAD']);

/**
 * Refuses a request that another site may have caused. Throws `csrf_refused`. The strongest signal that is there decides
 * alone: `Sec-Fetch-Site`, which no page can set; else `Origin`, which a page's referrer policy may have made `null`; else
 * {@link CSRF_HEADER}. A safe method needs none of them, and may have been typed as an address (`Sec-Fetch-Site: none`).
 * A sibling host counts as another site, which `SameSite` alone would let through.
 */
export function requireSameOrigin(request: GatewayRequest, origin: string): void {
  const site = readHeader(request, 'sec-fetch-site');
  const from = readHeader(request, 'origin');
  const safe = SAFE.has(request.method);
  const ours = () => {
    if (site !== undefined) return site === 'same-origin' || (safe && site === 'none');
    if (from !== undefined) return from === origin;
    return safe || readHeader(request, CSRF_HEADER) !== undefined;
  };
  if (!ours())
    throw new ZonesError(
      'csrf_refused',
      `The request did not come from a page of this site; send it from there, or with the header ${CSRF_HEADER}.`,
    );
}

/**
 * Refuses what a browser asks for as a part of a page, such as an image or a frame: any site could make it ask, and each
 * login costs a pushed request, signatures and a write. Throws `csrf_refused`. Where the browser does not say what it
 * asks for (`Sec-Fetch-Dest`, W3C Fetch Metadata), the request passes.
 */
export function requireDocument(request: GatewayRequest): void {
  const destination = readHeader(request, 'sec-fetch-dest');
  if (destination !== undefined && destination !== 'document')
    throw new ZonesError('csrf_refused', 'Send the whole window here, by a link or a redirect.');
}
