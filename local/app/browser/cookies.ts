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
  const { host, path, secure, sameSite } = cookie;
  const crossSite = initiator !== undefined && !isSameSite(initiator, url);
  const withheld = crossSite && (sameSite === 'Strict' || (sameSite === 'Lax' && method !== 'GET'));
  const isBelow = url.pathname === path || url.pathname.startsWith(path.endsWith('/') ? path : `${path}/`);
  return !withheld && isBelow && host === url.hostname && (!secure || isSafe(url));
}

/** Browsers treat this machine like https. */
function isSafe({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' || hostname === 'localhost';
}

function readCookie(line: string, url: URL): { cookie?: Cookie; remove: boolean } {
  const [[name = '', value = ''] = [], ...rest] = line.split(';').map((part) => {
    const [key = '', text = ''] = part.split(/=(.*)/s);
    return [key.trim(), text.trim()] as const;
  });
  const attributes = new Map(rest.map(([key, text]) => [key.toLowerCase(), text]));
  const path = attributes.get('path');
  const secure = attributes.has('secure');
  const misnamed = name.startsWith('__Host-') && !(secure && path === '/');
  if (name === '' || misnamed || attributes.has('domain') || (secure && !isSafe(url)))
    return { remove: false };
  const given = attributes.get('samesite')?.toLowerCase();
  const sameSite = given === 'strict' ? 'Strict' : given === 'none' ? 'None' : 'Lax';
  const ended = attributes.get('max-age') === '0' || Date.parse(attributes.get('expires') ?? '') === 0;
  // A cookie that names no path has that of its page's folder (RFC 6265 5.1.4).
  const folder = url.pathname.slice(0, url.pathname.lastIndexOf('/')) || '/';
  const kept = path?.startsWith('/') ? path : folder;
  return { cookie: { name, value, secure, sameSite, host: url.hostname, path: kept }, remove: ended };
}
