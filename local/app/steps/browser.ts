import type { Fetch } from '@helseid-zones/client/http';

/** What the browser got at an address. */
export interface Page {
  url: URL;
  status: number;
  headers: Headers;
  body: string;
}

interface Request {
  url: URL;
  method: string;
  headers?: Readonly<Record<string, string>>;
  body?: string | URLSearchParams;
  /** The page that caused it; absent where a person typed the address. */
  initiator?: URL | undefined;
  /** Whether to go on where a page says so by itself (default true). */
  refresh?: boolean | undefined;
}

const MAX_HOPS = 20;
const ACCEPT_PAGES = { accept: 'text/html,application/xhtml+xml', 'accept-language': 'en' };

/**
 * Opens a browser without a window, and with no cookies: what steps log in with; `call` is its network. It reads the pages of the
 * local system, not HTML in general. Throws a `TypeError` when it is sent round in circles.
 */
export function openBrowser(call: Fetch = fetch) {
  const jar = createCookieJar();
  const history: Page[] = [];

  async function send({ url, method, headers, body, initiator }: Request): Promise<Page> {
    const site = describeSite(url, initiator);
    const cookie = jar.header(url, site);
    const answer = await call(url.href, {
      method,
      redirect: 'manual',
      headers: {
        'sec-fetch-site': site,
        ...(cookie === '' ? {} : { cookie }),
        ...(method === 'GET' || initiator === undefined ? {} : { origin: initiator.origin }),
        ...headers,
      },
      ...(body === undefined ? {} : { body }),
    });
    jar.keep(answer.headers.getSetCookie());
    const page = { url, status: answer.status, headers: answer.headers, body: await answer.text() };
    history.push(page);
    return page;
  }

  /** Redirects keep who began; a page that goes on by itself begins anew. */
  async function navigate({ refresh = true, ...request }: Request): Promise<Page> {
    let next: Request = { ...request, headers: ACCEPT_PAGES };
    for (let hop = 0; hop < MAX_HOPS; hop += 1) {
      const page = await send(next);
      const location = page.status >= 300 && page.status < 400 ? page.headers.get('location') : null;
      const target = location ?? (refresh ? readRefresh(page.body) : undefined);
      if (target === undefined) return page;
      const initiator = location === null ? page.url : next.initiator;
      next = { url: new URL(target, page.url), method: 'GET', headers: ACCEPT_PAGES, initiator };
    }
    throw new TypeError(`sent round in circles, last to ${next.url.origin}${next.url.pathname}`);
  }

  return {
    /** Every answer, redirects included, in their order. */
    history: history as readonly Page[],
    /** Goes to an address that a person typed. */
    open: (url: string | URL, refresh = true) => navigate({ url: new URL(url), method: 'GET', refresh }),
    /** Sends the page's form with what a person chose in it. Throws a `TypeError` where there is no form. */
    submit(page: Page, choice: Readonly<Record<string, string>>, refresh = true): Promise<Page> {
      const form = readForm(page.body);
      if (form === undefined) throw new TypeError(`${page.url.pathname} has no form: ${page.status}`);
      const body = new URLSearchParams({ ...form.fields, ...choice });
      const url = new URL(form.action, page.url);
      return navigate({ url, method: 'POST', body, initiator: page.url, refresh });
    },
    /** Sends an empty form from a page of the same origin. */
    post(address: string): Promise<Page> {
      const url = new URL(address);
      return navigate({ url, method: 'POST', body: new URLSearchParams(), initiator: url });
    },
    /** Asks from a script of a page of the same origin, for JSON; follows nothing. Posts `body`, where there is one. */
    call(address: string, body?: object): Promise<Page> {
      const url = new URL(address);
      const accept = 'application/json';
      if (body === undefined) return send({ url, method: 'GET', headers: { accept }, initiator: url });
      const headers = { accept, 'content-type': accept };
      return send({ url, method: 'POST', headers, body: JSON.stringify(body), initiator: url });
    },
    /** Value of a cookie it keeps. */
    cookie: (name: string) => jar.value(name),
  };
}

/** `Sec-Fetch-Site`, as the browser would tell. Another scheme is another site. */
function describeSite(url: URL, initiator: URL | undefined) {
  if (initiator === undefined) return 'none';
  if (initiator.origin === url.origin) return 'same-origin';
  const same = initiator.protocol === url.protocol && initiator.hostname === url.hostname;
  return same ? 'same-site' : 'cross-site';
}

/**
 * What is kept of cookies (RFC 6265bis): paths, `SameSite=Strict`, and `Max-Age=0` to remove. There is one host, this machine's, and
 * what a browser makes of the other attributes real ones are asked (`test/browser`).
 */
function createCookieJar() {
  const cookies = new Map<string, { name: string; value: string; path: string; strict: boolean }>();
  return {
    header: ({ pathname }: URL, site: string): string =>
      [...cookies.values()]
        .filter(({ path, strict }) => pathname.startsWith(path) && !(strict && site === 'cross-site'))
        .map(({ name, value }) => `${name}=${value}`)
        .join('; '),
    keep(lines: readonly string[]): void {
      for (const line of lines) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
        const path = /;\s*path=([^;]+)/i.exec(line)?.[1] ?? '/';
        const ended = /;\s*(?:max-age=0|expires=Thu, 01 Jan 1970)/i.test(line);
        const strict = /;\s*samesite=strict/i.test(line);
        if (ended) cookies.delete(`${path};${name}`);
        else cookies.set(`${path};${name}`, { name, value, path, strict });
      }
    },
    value: (name: string) => [...cookies.values()].find((cookie) => cookie.name === name)?.value,
  };
}

/** The first form: its action as it stands in the page, empty for the page's own address, and its hidden fields. */
function readForm(html: string): { action: string; fields: Record<string, string> } | undefined {
  const [, opening, inside] = /<form\b([^>]*)>(.*?)<\/form>/s.exec(html) ?? [];
  if (opening === undefined || inside === undefined) return undefined;
  const hidden = [...inside.matchAll(/<input\b([^>]*type="hidden"[^>]*)>/g)].map(([, tag = '']) => [
    attribute(tag, 'name'),
    attribute(tag, 'value'),
  ]);
  return { action: attribute(opening, 'action'), fields: Object.fromEntries(hidden) };
}

/** Where a page goes on to by itself (`meta refresh`). */
function readRefresh(html: string): string | undefined {
  const target = /<meta http-equiv="refresh" content="\d+;\s*url=([^"]+)"/.exec(html)?.[1];
  return target === undefined ? undefined : unescapeHtml(target);
}

function attribute(tag: string, name: string): string {
  return unescapeHtml(new RegExp(`\\b${name}="([^"]*)"`).exec(tag)?.[1] ?? '');
}

function unescapeHtml(text: string): string {
  return text
    .replace(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)))
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&');
}
