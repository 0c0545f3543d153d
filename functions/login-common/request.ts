import { ZonesError } from '@helseid-zones/protocol/errors';
import type { APIGatewayProxyEvent } from 'aws-lambda';

/** A request as the login functions see it: API Gateway's proxy event (REST, payload 1.0) without its oddities. */
export interface GatewayRequest {
  method: string;
  /** The resource that API Gateway matched, e.g. `/api/summaries/{id}`; never what the browser wrote. */
  resource: string;
  pathParameters: ReadonlyMap<string, string>;
  /** Lower-case name to all values. */
  headers: ReadonlyMap<string, readonly string[]>;
  /** Decoded, duplicates included, in order. */
  query: URLSearchParams;
  body: Buffer | undefined;
  /** API Gateway's request id, for logs and for what a person may quote. */
  id: string;
}

type Lists = Readonly<Record<string, readonly (string | undefined)[] | string | undefined>>;

/**
 * Reads a proxy event. Does not judge the content.
 *
 * @throws {ZonesError} event_invalid: it has not the shape that API Gateway gives
 */
export function readRequest(event: APIGatewayProxyEvent): GatewayRequest {
  const { httpMethod, resource, body } = event;
  if (typeof httpMethod !== 'string' || typeof resource !== 'string')
    throw new ZonesError(
      'event_invalid',
      'The event has no httpMethod and resource; invoke through the gateway.',
    );
  const headers = new Map<string, readonly string[]>();
  for (const [name, values] of lists(event.headers, event.multiValueHeaders))
    headers.set(name.toLowerCase(), [...(headers.get(name.toLowerCase()) ?? []), ...values]);
  const query = new URLSearchParams();
  for (const [name, values] of lists(event.queryStringParameters, event.multiValueQueryStringParameters))
    for (const value of values) query.append(name, value);
  return {
    method: httpMethod.toUpperCase(),
    resource,
    pathParameters: new Map(lists(event.pathParameters, null).map(([name, [value]]) => [name, value ?? ''])),
    headers,
    query,
    body: typeof body === 'string' ? Buffer.from(body, event.isBase64Encoded ? 'base64' : 'utf8') : undefined,
    id: typeof event.requestContext?.requestId === 'string' ? event.requestContext.requestId : '-',
  };
}

/** The multi-value form where there is one (it alone shows duplicates), otherwise the single-value form. */
function lists(single: Lists | null | undefined, multi: Lists | null | undefined): [string, string[]][] {
  const source = multi && Object.keys(multi).length > 0 ? multi : (single ?? {});
  return Object.entries(source).map(([name, values]) => [
    name,
    (Array.isArray(values) ? values : [values]).filter((value) => typeof value === 'string'),
  ]);
}

/**
 * The one value of a header; nothing where it is absent.
 *
 * @throws {ZonesError} request_malformed: it is there more than once
 */
export function readHeader(request: GatewayRequest, name: string): string | undefined {
  return readOnly(request.headers.get(name) ?? [], `The header ${name}`);
}

/**
 * The one value of a query parameter; nothing where it is absent.
 *
 * @throws {ZonesError} request_malformed: it is there more than once
 */
export function readParameter(request: GatewayRequest, name: string): string | undefined {
  return readOnly(request.query.getAll(name), `The parameter ${name}`);
}

function readOnly(values: readonly string[], what: string): string | undefined {
  if (values.length > 1) throw new ZonesError('request_malformed', `${what} is there more than once.`);
  return values[0];
}

/** A request header that a page of another origin can't add without asking first (a CORS preflight, which we never grant). */
export const CSRF_HEADER = 'x-csrf';

const SAFE = new Set(['GET', 'HEAD']);

/**
 * Refuses a request that another site may have caused. The strongest signal that is there decides
 * alone: `Sec-Fetch-Site`, which no page can set; else `Origin`, which a page's referrer policy may have made `null`; else
 * {@link CSRF_HEADER}. A safe method needs none of them, and may have been typed as an address (`Sec-Fetch-Site: none`).
 * A sibling host counts as another site, which `SameSite` alone would let through.
 *
 * @throws {ZonesError} csrf_refused: no signal says that a page of ours sent it
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
 * login costs a pushed request, signatures and a write. Where the browser does not say what it
 * asks for (`Sec-Fetch-Dest`, W3C Fetch Metadata), the request passes.
 *
 * @throws {ZonesError} csrf_refused: the browser asks for something else than a document
 */
export function requireDocument(request: GatewayRequest): void {
  const destination = readHeader(request, 'sec-fetch-dest');
  if (destination !== undefined && destination !== 'document')
    throw new ZonesError('csrf_refused', 'Send the whole window here, by a link or a redirect.');
}
