import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { Fetch } from '@helseid-zones/client/http';
import { afterEach, describe, expect, test } from 'vitest';
import { openBrowser } from '../../../../local/app/steps/browser.ts';

type Handler = (request: IncomingMessage, response: ServerResponse, body: string) => void;

const servers: ReturnType<typeof createServer>[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** A site; requests are kept as `METHOD /path body`, with their headers. */
async function startSite(pages: Record<string, Handler>) {
  const seen: { line: string; headers: IncomingMessage['headers'] }[] = [];
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      seen.push({ line: `${request.method} ${request.url} ${body}`.trim(), headers: request.headers });
      const page = pages[String(request.url).split('?')[0] ?? ''];
      if (page) page(request, response, body);
      else response.writeHead(404).end();
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  return { url: `http://localhost:${(server.address() as AddressInfo).port}`, seen };
}

const redirectTo =
  (location: string, ...cookies: string[]): Handler =>
  (_, response) =>
    response.writeHead(303, { location, 'set-cookie': cookies }).end();
const show =
  (html: string): Handler =>
  (_, response) =>
    response.end(html);

describe('a browser', () => {
  test('follows redirects and pages that go on, and keeps every answer', async () => {
    const site = await startSite({
      '/login': redirectTo('/next?a=1', 'l=1; SameSite=Lax'),
      '/next': show('<meta http-equiv="refresh" content="0;url=/done?x=1&amp;y=2">'),
      '/done': show('done'),
    });
    const browser = openBrowser();
    const page = await browser.open(`${site.url}/login`);
    expect([page.status, page.body, page.url.search]).toEqual([200, 'done', '?x=1&y=2']);
    expect(browser.history.map(({ status }) => status)).toEqual([303, 200, 200]);
    const sites = site.seen.map(({ headers }) => headers['sec-fetch-site']);
    expect(sites).toEqual(['none', 'none', 'same-origin']);
    expect(site.seen.map(({ headers }) => headers.cookie)).toEqual([undefined, 'l=1', 'l=1']);
  });

  test('can be held at a page that would go on', async () => {
    const site = await startSite({ '/': show('<meta http-equiv="refresh" content="0;url=/done">') });
    await openBrowser().open(site.url, false);
    expect(site.seen.map(({ line }) => line)).toEqual(['GET /']);
  });

  test('does not follow a location that is no redirect', async () => {
    const site = await startSite({ '/': (_, response) => response.writeHead(201, { location: '/x' }).end() });
    expect((await openBrowser().open(site.url)).status).toBe(201);
  });

  test('sends a form with what was chosen and where it came from', async () => {
    const site = await startSite({
      '/form': show(
        '<form method="post" action="/take?x=1&amp;y=2"><input type="hidden" name="a" value="1&#39;&quot;"/><input name="c" value="no"></form>',
      ),
      '/take': redirectTo('/form'),
    });
    const browser = openBrowser();
    const form = await browser.open(`${site.url}/form`);
    await browser.submit(form, { b: '2' });
    const [, taken, after] = site.seen;
    expect(taken).toMatchObject({
      line: 'POST /take?x=1&y=2 a=1%27%22&b=2',
      headers: {
        origin: site.url,
        'sec-fetch-site': 'same-origin',
        'content-type': expect.stringContaining('urlencoded'),
      },
    });
    expect(after?.line).toBe('GET /form');
    const away = { ...form, body: 'no form' };
    expect(() => browser.submit(away, {})).toThrow(TypeError);
  });

  test('leaves Strict cookies at home when another site sends it', async () => {
    const site = await startSite({
      '/': (_, response) =>
        response.setHeader('set-cookie', ['s=1; SameSite=Strict', 'l=1; SameSite=Lax']).end(),
      '/callback': show('<meta http-equiv="refresh" content="0;url=/callback/on">'),
    });
    // Another scheme is another site.
    const elsewhere: Fetch = async (url, init) =>
      url.startsWith('http:')
        ? fetch(url, init)
        : init?.method === 'POST'
          ? new Response(null, { status: 303, headers: { location: `${site.url}/callback` } })
          : new Response('<form method="post"></form>');
    const browser = openBrowser(elsewhere);
    await browser.open(site.url);
    await browser.submit(await browser.open('https://localhost/login'), {});
    const [, back, on] = site.seen;
    expect([back?.headers.cookie, back?.headers['sec-fetch-site']]).toEqual(['l=1', 'cross-site']);
    expect([on?.headers.cookie, on?.headers['sec-fetch-site']]).toEqual(['s=1; l=1', 'same-origin']);
  });

  test('keeps cookies by path, and until they are removed', async () => {
    const site = await startSite({
      '/': (_, response) => response.setHeader('set-cookie', ['a=1; Path=/a', 'b=2; Path=/']).end(),
      '/a/off': (_, response) => response.setHeader('set-cookie', 'a=; Path=/a; Max-Age=0').end(),
    });
    const browser = openBrowser();
    for (const path of ['/', '/a/off', '/a/off', '/b']) await browser.open(`${site.url}${path}`);
    expect(site.seen.map(({ headers }) => headers.cookie)).toEqual([undefined, 'a=1; b=2', 'b=2', 'b=2']);
    expect([browser.cookie('a'), browser.cookie('b')]).toEqual([undefined, '2']);
  });

  test('asks as a script of the same origin does', async () => {
    const site = await startSite({ '/api': redirectTo('/x') });
    const browser = openBrowser();
    expect((await browser.call(`${site.url}/api`)).status).toBe(303);
    await browser.call(`${site.url}/api`, { a: 1 });
    await browser.post(`${site.url}/other`);
    expect(site.seen.map(({ line }) => line)).toEqual(['GET /api', 'POST /api {"a":1}', 'POST /other']);
    expect(site.seen.map(({ headers }) => headers['sec-fetch-site'])).toEqual(Array(3).fill('same-origin'));
    expect(site.seen.map(({ headers }) => headers.origin)).toEqual([undefined, site.url, site.url]);
  });

  test('gives up when it is sent round in circles', async () => {
    const site = await startSite({ '/a': redirectTo('/a') });
    await expect(openBrowser().open(`${site.url}/a`)).rejects.toThrow(/circles/);
  });
});
