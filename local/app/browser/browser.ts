import type { Fetch } from '@helseid-zones/client/http';
import { createCookieJar, isSameSite } from './cookies.ts';
import { readForm, readRefresh } from './html.ts';

/** What the browser got at an address. */
export interface Page {
  url: URL;
  status: number;
  headers: Headers;
  body: string;
}

/** How a navigation goes. */
interface Navigation {
  /** Whether to go on where a page says so by itself (default true). */
  refresh?: boolean;
}

interface Request {
  url: URL;
  method: string;
  headers?: Readonly<Record<string, string>>;
  body?: string | URLSearchParams;
  /** The page that caused it; absent where a person typed the address. */
  initiator?: URL | undefined;
}

const MAX_HOPS = 20;
const ACCEPT_PAGES = { accept: 'text/html,application/xhtml+xml', 'accept-language': 'en' };

/** Opens a browser without a window, and with no cookies: what steps log in with; `call` is its network. Throws a `TypeError` when it is sent round in circles. */
export function openBrowser(call: Fetch = fetch) {
  const jar = createCookieJar();
  const history: Page[] = [];

  async function send({ url, method, headers, body, initiator }: Request): Promise<Page> {
    const cookie = jar.header({ url, method, initiator });
    const answer = await call(url.href, {
      method,
      redirect: 'manual',
      headers: {
        'sec-fetch-site': describeSite(url, initiator),
        ...(cookie === '' ? {} : { cookie }),
        ...(method === 'GET' || initiator === undefined ? {} : { origin: initiator.origin }),
        ...headers,
      },
      ...(body === undefined ? {} : { body }),
    });
    jar.keep(url, answer.headers.getSetCookie());
    const page = { url, status: answer.status, headers: answer.headers, body: await answer.text() };
    history.push(page);
    return page;
  }

  /** Redirects keep who began; a page that goes on by itself begins anew. */
  async function navigate(request: Request, { refresh = true }: Navigation = {}): Promise<Page> {
    let next = { ...request, headers: ACCEPT_PAGES };
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
    open: (url: string | URL, options?: Navigation) =>
      navigate({ url: new URL(url), method: 'GET' }, options),
    /** Sends the page's form with what a person chose in it. Throws a `TypeError` where there is no form. */
    submit(page: Page, choice: Readonly<Record<string, string>>, options?: Navigation): Promise<Page> {
      const form = readForm(page.body);
      if (form === undefined) throw new TypeError(`${page.url.pathname} has no form: ${page.status}`);
      const body = new URLSearchParams({ ...form.fields, ...choice });
      const url = new URL(form.action, page.url);
      return navigate({ url, method: 'POST', body, initiator: page.url }, options);
    },
    /** Sends a form from a page of the same origin. */
    post(url: string, fields: Readonly<Record<string, string>> = {}): Promise<Page> {
      const target = new URL(url);
      return navigate({ url: target, method: 'POST', body: new URLSearchParams(fields), initiator: target });
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
    cookie: jar.value,
  };
}

/** `Sec-Fetch-Site`, as the browser would tell. */
function describeSite(url: URL, initiator: URL | undefined): string {
  if (initiator === undefined) return 'none';
  if (initiator.origin === url.origin) return 'same-origin';
  return isSameSite(initiator, url) ? 'same-site' : 'cross-site';
}
