import type { GatewayRequest } from '../login-common/request.ts';

/** What of a browser's request an API gets to see. An allow-list: cookies, tokens and what the gateway adds stay here. */
const REQUEST_HEADERS: readonly string[] = [
  'accept',
  'accept-language',
  'content-type',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-unmodified-since',
  'prefer',
  'x-correlation-id',
  'x-request-id',
];

/** What of an API's answer the browser gets to see. Not `location`, which names the API's own address, nor any challenge. */
const RESPONSE_HEADERS: readonly string[] = [
  'content-disposition',
  'content-language',
  'content-type',
  'etag',
  'last-modified',
  'retry-after',
  'x-correlation-id',
  'x-request-id',
];

/** Never passed on, whatever is declared: credentials, the message's framing and hop-by-hop headers (RFC 9110 7.6.1). */
const NEVER =
  /^(authorization|connection|content-length|cookie|dpop|expect|forwarded|host|keep-alive|origin|proxy-.*|referer|sec-.*|set-cookie|te|trailer|transfer-encoding|upgrade|via|www-authenticate|x-amz.*|x-forwarded-.*)$/;

/** Latin-1 without controls: what `Headers` and HTTP take (RFC 9110 5.5). */
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Headers for the API: the allow-list and those `declared` for the route, without what the browser's `Connection` names. */
export function selectRequestHeaders(request: GatewayRequest, declared: readonly string[] = []): Headers {
  const connection = (request.headers.get('connection') ?? [])
    .join(',')
    .toLowerCase()
    .split(/\s*,\s*/);
  const named = [...request.headers].filter(
    ([name]) =>
      (REQUEST_HEADERS.includes(name) || declared.includes(name)) &&
      !NEVER.test(name) &&
      !connection.includes(name),
  );
  const pairs = named.flatMap(([name, values]) => values.map((value): [string, string] => [name, value]));
  return new Headers(pairs.filter(([, value]) => HEADER_VALUE.test(value)));
}

/** Headers for the browser. A body from an API is shown in a sandbox: a page of its would otherwise run as ours. */
export function selectResponseHeaders(response: Response): Record<string, string> {
  const kept = [...response.headers].filter(([name]) => RESPONSE_HEADERS.includes(name));
  return {
    ...Object.fromEntries(kept),
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'; sandbox",
  };
}
