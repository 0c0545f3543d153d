import { ZonesError } from '@helseid-zones/protocol/errors';

/** The URL of an API call, without its fragment. Throws `request_malformed` unless it is absolute, https and without user info. */
export function checkUrl(input: string | URL): URL {
  const url = URL.parse(String(input));
  if (url?.protocol !== 'https:' || url.username !== '' || url.password !== '') {
    throw new ZonesError(
      'request_malformed',
      'An API is called with an absolute https URL without user info.',
    );
  }
  url.hash = '';
  return url;
}

/** What `fetch` would refuse by itself, so that it does not look like an API that did not answer. Gives the method. */
export function checkRequest(url: URL, { method = 'GET', headers, body }: RequestInit): string {
  const name = method.toUpperCase();
  try {
    new Request(url, { method: name, headers: new Headers(headers), body: body == null ? null : '' });
  } catch {
    // Without the cause: its message repeats the header.
    throw new ZonesError(
      'request_malformed',
      'fetch sends no request with this method, these headers, or a body for this method.',
    );
  }
  return name;
}

/** Whether a body can be read once only: a stream, or what gives its parts as it is asked. */
export function isOneShot(body: RequestInit['body']): boolean {
  if (body === null || typeof body !== 'object') return false;
  return body instanceof ReadableStream || (Symbol.asyncIterator in body && !(body instanceof Blob));
}

const REDIRECTS = [301, 302, 303, 307, 308];

/** Throws `redirect_refused` for an answer that sends its caller to another origin; within the origin it is the caller's. */
export async function refuseForeignRedirect(url: URL, response: Response): Promise<void> {
  const location = response.headers.get('location');
  if (location === null || !REDIRECTS.includes(response.status)) return;
  const target = URL.parse(location, url.href)?.origin;
  if (target === url.origin) return;
  await response.body?.cancel();
  throw new ZonesError(
    'redirect_refused',
    `${url.origin} redirects to another origin; call that one by a declared API.`,
    {
      facts: { status: response.status, target: target ?? 'invalid' },
    },
  );
}
