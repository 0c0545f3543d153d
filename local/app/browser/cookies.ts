/** How a request came about, as far as cookies care. */
interface CookieContext {
  url: URL;
  method: string;
  /** The page that caused it; absent where a person typed the address. */
  initiator?: URL | undefined;
}

interface Cookie {
  name: string;
  value: string;
  path: string;
  host: string;
  secure: boolean;
  sameSite: 'Strict' | 'Lax' | 'None';
}

/**
 * A cookie jar as browsers keep one (RFC 6265bis), for what is used here: hosts without their ports, paths, `Secure`, `SameSite`,
 * `__Host-`, and `Max-Age=0` to remove; cookies of a `Domain` are refused. Nothing expires by itself: a step takes seconds.
 */
export function createCookieJar() {
  const cookies = new Map<string, Cookie>();
  return {
    /** The `Cookie` header for a navigation; empty for none. */
    header: (context: CookieContext) =>
      [...cookies.values()]
        .filter((cookie) => isSent(cookie, context))
        .map(({ name, value }) => `${name}=${value}`)
        .join('; '),
    /** Keeps what an answer from `url` sets. Ignores what a browser would refuse. */
    keep(url: URL, lines: readonly string[]): void {
      for (const { cookie, remove } of lines.map((line) => readCookie(line, url))) {
        if (cookie === undefined) continue;
        const key = `${cookie.host}${cookie.path};${cookie.name}`;
        if (remove) cookies.delete(key);
        else cookies.set(key, cookie);
      }
    },
    /** Value of the cookie of that name. */
    value: (name: string): string | undefined =>
      [...cookies.values()].find((cookie) => cookie.name === name)?.value,
  };
}

/** Whether two addresses are of one site, scheme included. Hosts are compared whole: it is stricter than a browser among sibling hosts. */
export function isSameSite(a: URL, b: URL): boolean {
  return a.protocol === b.protocol && a.hostname === b.hostname;
}

function isSent(cookie: Cookie, { url, method, initiator }: CookieContext): boolean {
  const crossSite = initiator !== undefined && !isSameSite(initiator, url);
  const withheld =
    crossSite && (cookie.sameSite === 'Strict' || (cookie.sameSite === 'Lax' && method !== 'GET'));
  return (
    !withheld &&
    cookie.host === url.hostname &&
    isBelow(url.pathname, cookie.path) &&
    (!cookie.secure || isSafe(url))
  );
}

function isBelow(path: string, cookiePath: string): boolean {
  return path === cookiePath || path.startsWith(cookiePath.endsWith('/') ? cookiePath : `${cookiePath}/`);
}

/** The path of a cookie that names none (RFC 6265 5.1.4). */
function directoryOf({ pathname }: URL): string {
  return pathname.slice(0, pathname.lastIndexOf('/')) || '/';
}

/** Browsers treat this machine like https. */
function isSafe({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' || hostname === 'localhost';
}

function readCookie(line: string, url: URL): { cookie?: Cookie; remove: boolean } {
  const [pair = '', ...rest] = line.split(';');
  const at = pair.indexOf('=');
  const name = pair.slice(0, at).trim();
  const attributes = new Map(
    rest.map((text) => {
      const [key = '', value = ''] = text.split(/=(.*)/s);
      return [key.trim().toLowerCase(), value.trim()] as const;
    }),
  );
  const path = attributes.get('path');
  const secure = attributes.has('secure');
  const host = name.startsWith('__Host-') && !(secure && path === '/');
  if (at < 1 || host || attributes.has('domain') || (secure && !isSafe(url))) return { remove: false };
  const sameSite = ({ strict: 'Strict', none: 'None' } as const)[
    attributes.get('samesite')?.toLowerCase() ?? ''
  ];
  const ended = attributes.get('max-age') === '0' || Date.parse(attributes.get('expires') ?? '') === 0;
  return {
    cookie: {
      ...{ name, secure, host: url.hostname, value: pair.slice(at + 1).trim() },
      path: path?.startsWith('/') ? path : directoryOf(url),
      sameSite: sameSite ?? 'Lax',
    },
    remove: ended,
  };
}
