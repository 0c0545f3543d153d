import type { GatewayRequest } from './request.ts';
import { digest, isId } from './secrets.ts';

/** Name of the session cookie. `__Host-` (RFC 6265bis 4.1.3.2) keeps sibling hosts and plain http from setting it. */
export const SESSION_COOKIE = '__Host-session';

const TRANSACTION_PREFIX = '__Host-login-';

/** Name of the cookie that binds a browser to one login: one a transaction, so that two tabs don't disturb each other. */
export function transactionCookie(state: string): string {
  return TRANSACTION_PREFIX + digest('transaction cookie', state).slice(0, 16);
}

/** Name of the cookie that binds a browser to the logout it began. */
export const LOGOUT_COOKIE = '__Host-logout';

/** Names of all transaction cookies of a request. */
export function transactionCookies(request: GatewayRequest): string[] {
  return parseCookies(request)
    .map(([name]) => name)
    .filter((name) => name.startsWith(TRANSACTION_PREFIX));
}

/** The secret id in a cookie; nothing where the cookie is absent, there twice, or not an id of ours. */
export function readIdCookie(request: GatewayRequest, name: string): string | undefined {
  const values = parseCookies(request).flatMap(([key, value]) => (key === name ? [value] : []));
  const [value] = values;
  return values.length === 1 && value !== undefined && isId(value) ? value : undefined;
}

/**
 * Name and value of each cookie as browsers write them (RFC 6265bis 5.8.3). Only SP and HTAB may stand before a name: a
 * name that begins with any other white space is another name, without the `__Host-` that keeps sibling hosts from setting it.
 */
function parseCookies(request: GatewayRequest): [string, string][] {
  const header = (request.headers.get('cookie') ?? []).join(';');
  return header.split(/;[ \t]*/).flatMap((pair): [string, string][] => {
    const at = pair.indexOf('=');
    return at < 0 ? [] : [[pair.slice(0, at), pair.slice(at + 1)]];
  });
}

/** How a cookie is sent. Always `HttpOnly`, `Secure`, `Path=/` and without `Domain`. */
interface CookieOptions {
  sameSite: 'Strict' | 'Lax';
  /** Seconds; absent: until the browser closes. 0 removes the cookie. */
  maxAge?: number;
}

/** The value of a `Set-Cookie` header. Expects a value that needs no quoting, such as an id of ours. */
export function renderCookie(name: string, value: string, options: CookieOptions): string {
  const lifetime = options.maxAge === undefined ? '' : `; Max-Age=${options.maxAge}`;
  return `${name}=${value}; Path=/; Secure; HttpOnly; SameSite=${options.sameSite}${lifetime}`;
}
