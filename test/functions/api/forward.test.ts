import { Writable } from 'node:stream';
import { decodeJwt } from 'jose';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { forwardCall } from '../../../functions/api/forward.ts';
import { serveStreaming } from '../../../functions/api/stream.ts';
import { deriveSettings } from '../../../functions/login-common/settings.ts';
import { openStream } from '../login/collect.ts';
import {
  arrive,
  type Browser,
  enter,
  GATEWAY,
  type Login,
  makeConfig,
  makeEvent,
  setCookies,
} from '../login/make-login.ts';

const SUMMARY = '/api/summaries/1';
const OK = { status: 200 };
const UNUSABLE = { status: 502, code: 'api_answer_unusable' };
const refuse = () => new Response(null, { status: 401 });

/** The event of a call by somebody who is logged in. */
function callEvent(login: Login, browser: Browser) {
  const cookie = `__Host-session=${browser.cookies.get('__Host-session')?.value}`;
  const headers = { accept: 'application/json', cookie, 'sec-fetch-site': 'same-origin' };
  return makeEvent(login, SUMMARY, { headers }).event;
}

describe('forwarding', () => {
  it('passes on method, path, query, body and the usual headers, and nothing else', async () => {
    const { browser, api } = await enter();
    const answer = await browser.send('/api/documents?a=%20b&c=d%26e', {
      method: 'POST',
      body: '{"a":"å"}',
      headers: {
        'content-type': 'application/fhir+json',
        'if-match': 'W/"1"',
        'x-source': 'journal',
        'x-other': 'no',
        authorization: 'Bearer mine',
        dpop: 'mine',
        connection: 'keep-alive, If-Match',
        'x-forwarded-for': '192.0.2.1',
        'proxy-authorization': 'no',
        te: 'trailers',
        referer: 'https://journal.test/patient/1',
      },
    });
    expect(answer.statusCode).toBe(200);
    const [seen] = api.requests;
    expect(seen?.url).toBe('https://api.test/documents/documents?a=+b&c=d%26e');
    expect(seen?.body).toBe('{"a":"å"}');
    expect(seen?.headers.get('content-type')).toBe('application/fhir+json');
    expect(seen?.headers.get('x-source')).toBe('journal');
    expect(seen?.headers.get('authorization')).toMatch(/^DPoP ey/);
    expect(seen?.headers.get('dpop')).toMatch(/^ey/);
    const kept = ['cookie', 'x-other', 'if-match', 'x-forwarded-for', 'proxy-authorization', 'te', 'referer'];
    for (const name of kept) expect(seen?.headers.get(name)).toBeNull();
  });

  it('passes the answer back without cookies, challenges and addresses, in a sandbox', async () => {
    const { browser, api } = await enter();
    api.behaviour.answer = () =>
      new Response('<script>alert(1)</script>', {
        status: 409,
        headers: {
          'content-type': 'text/html',
          etag: '"7"',
          'set-cookie': '__Host-session=evil',
          'www-authenticate': 'DPoP error="insufficient_scope"',
          'x-internal': 'host-7',
          location: 'https://api.test/internal',
          'cache-control': 'public, max-age=600',
          'content-security-policy': 'default-src *',
          'transfer-encoding': 'chunked',
        },
      });
    const { answer } = await browser.ask(SUMMARY);
    expect(answer.statusCode).toBe(409);
    expect(setCookies(answer)).toEqual([]);
    expect(answer.headers).toMatchObject({
      etag: '"7"',
      'content-type': 'text/html',
      'cache-control': 'no-store',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'; sandbox",
      'x-content-type-options': 'nosniff',
    });
    for (const name of ['x-internal', 'location', 'set-cookie', 'transfer-encoding', 'www-authenticate'])
      expect(answer.headers).not.toHaveProperty(name);
  });

  it('keeps bytes as bytes, and 304 without a body', async () => {
    const { browser, api } = await enter();
    const bytes = Uint8Array.of(0, 255, 37, 80);
    api.behaviour.answer = () => new Response(bytes, { headers: { 'content-type': 'application/pdf' } });
    const answer = await browser.send(SUMMARY);
    expect([answer.isBase64Encoded, answer.body]).toEqual([true, Buffer.from(bytes).toString('base64')]);
    api.behaviour.answer = () => new Response(null, { status: 304 });
    expect((await browser.send(SUMMARY)).statusCode).toBe(304);
  });

  it('answers an API’s 401 and redirects as what they are: an answer of no use', async () => {
    const { browser, api } = await enter();
    api.behaviour.refused = 'all';
    const refused = await browser.ask(SUMMARY);
    expect(refused).toMatchObject(UNUSABLE);
    expect(refused.answer.headers).not.toHaveProperty('www-authenticate');
    api.behaviour.refused = new Set();
    api.behaviour.answer = () => new Response(null, { status: 302, headers: { location: '/other' } });
    expect(await browser.ask(SUMMARY)).toMatchObject(UNUSABLE);
    api.behaviour.answer = () =>
      new Response(null, { status: 302, headers: { location: 'https://evil.test' } });
    expect(await browser.ask(SUMMARY)).toMatchObject({ code: 'redirect_refused' });
  });

  it('lets go of the body of an answer that it does not pass on', async () => {
    const { login, browser } = await enter();
    let cancelled = false;
    const cancel = () => {
      cancelled = true;
    };
    login.deps.client.createApiFetch = () => async () =>
      new Response(new ReadableStream({ cancel }), { status: 401 });
    expect(await browser.ask(SUMMARY)).toMatchObject(UNUSABLE);
    expect(cancelled).toBe(true);
  });

  it('gets another token once when the API refuses one', async () => {
    const { browser, issuer, api } = await enter();
    const [first = ''] = [...issuer.tokens.keys()];
    api.behaviour.refused = new Set([first]);
    expect(await browser.ask(SUMMARY)).toMatchObject(OK);
    expect(api.requests).toHaveLength(2);
    expect(await browser.ask(SUMMARY)).toMatchObject(OK);
    expect(api.requests).toHaveLength(3);
  });

  it('gets one token more for a 401, and none again while that one is refused too', async () => {
    const { login, browser, issuer, api } = await enter();
    api.behaviour.answer = refuse;
    const posts = issuer.posts.length;
    for (let n = 0; n < 5; n += 1) expect(await browser.ask(SUMMARY)).toMatchObject(UNUSABLE);
    expect(issuer.posts.length).toBe(posts + 1);
    expect(api.requests).toHaveLength(6);
    delete api.behaviour.answer;
    expect(await browser.ask(SUMMARY)).toMatchObject(OK);
    // What comes when that one has expired may be refused once again.
    login.later(600);
    api.behaviour.answer = refuse;
    await browser.send(SUMMARY);
    await browser.send(SUMMARY);
    expect(issuer.posts.length).toBe(posts + 3);
  });

  it('gets one for a key that is lost, though the API refused the one before and the key’s own', async () => {
    const { login, browser, issuer, api } = await enter();
    api.behaviour.answer = refuse;
    expect(await browser.ask(SUMMARY)).toMatchObject(UNUSABLE);
    delete api.behaviour.answer;
    const { signer } = login.world;
    const [old] = [...issuer.tokens.values()];
    const next = signer.addKey();
    issuer.register(next);
    signer.switchTo(next.thumbprint);
    signer.retire(old?.jkt ?? '');
    expect(await browser.ask(SUMMARY)).toMatchObject(OK);
  });

  it('keeps session and token while the issuer is down after a good answer', async () => {
    const { login, browser, issuer, api } = await enter();
    const down = () => new Response(null, { status: 503 });
    expect(await browser.ask(SUMMARY)).toMatchObject(OK);
    issuer.behaviour.fail = down;
    api.behaviour.answer = refuse;
    expect(await browser.ask(SUMMARY)).toMatchObject({ status: 503 });
    delete api.behaviour.answer;
    expect(await browser.ask(SUMMARY)).toMatchObject(OK);
    login.later(600);
    expect(await browser.ask(SUMMARY)).toMatchObject({ status: 503 });
    delete issuer.behaviour.fail;
    expect(await browser.ask(SUMMARY)).toMatchObject(OK);
  });

  it('leaves the API’s refusal where no other token is to be had', async () => {
    const { browser, api } = await enter({}, { response: { refresh_token: undefined } });
    api.behaviour.refused = 'all';
    expect(await browser.ask(SUMMARY)).toMatchObject(UNUSABLE);
  });

  /** A call whose API answers with this source, into this stream; `end` aborts when its 55 seconds are over. */
  async function call(source: ReadableStream<Uint8Array>, stream: Writable) {
    const { login, browser } = await enter();
    const end = new AbortController();
    const timeout = vi.spyOn(AbortSignal, 'timeout');
    onTestFinished(() => timeout.mockRestore());
    timeout.mockImplementation((milliseconds) =>
      milliseconds === 55_000 ? end.signal : new AbortController().signal,
    );
    login.deps.client.createApiFetch = () => async () => new Response(source);
    const ended = serveStreaming(login.deps, forwardCall)(callEvent(login, browser), stream);
    return { login, end, ended };
  }

  it('passes an answer on while it comes, the head first', async () => {
    let more: ReadableStreamDefaultController<Uint8Array> | undefined;
    const source = new ReadableStream<Uint8Array>({
      start(controller) {
        more = controller;
      },
    });
    const seen = [Promise.withResolvers<string>(), Promise.withResolvers<string>()];
    let count = 0;
    const { stream, read } = openStream((chunk) => seen[count++]?.resolve(chunk.toString()));
    const { ended } = await call(source, stream);
    expect(await seen[0]?.promise).toBe('');
    expect(read().head.statusCode).toBe(200);
    more?.enqueue(Buffer.from('first'));
    expect(await seen[1]?.promise).toBe('first');
    more?.close();
    await ended;
    expect(stream.writableEnded).toBe(true);
  });

  it('throws, and does not end the stream, where the API breaks off', async () => {
    let count = 0;
    const source = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (count++ === 0) controller.enqueue(Buffer.from('half'));
        else controller.error(new Error('a secret detail'));
      },
    });
    const { stream, read } = openStream();
    const { login, ended } = await call(source, stream);
    const message = expect.not.stringContaining('secret');
    await expect(ended).rejects.toMatchObject({ code: 'api_unreachable', message });
    expect(Buffer.concat(read().chunks).toString()).toBe('half');
    expect(stream.writableEnded).toBe(false);
    expect(login.logs).toContainEqual(
      expect.objectContaining({ code: 'answer.broken_off', facts: { status: 200, by: 'api' } }),
    );
  });

  /** A source that is asked, and gives a piece each time or never; and a reader that takes nothing. */
  function stuck(gives: boolean) {
    const cancelled = Promise.withResolvers<void>();
    const source = new ReadableStream<Uint8Array>({
      pull: (controller) => (gives ? controller.enqueue(Buffer.alloc(1024)) : new Promise(() => undefined)),
      cancel: () => cancelled.resolve(),
    });
    const asked = Promise.withResolvers<void>();
    const stream = new Writable({
      highWaterMark: 1,
      write(chunk: Buffer, _, done) {
        asked.resolve();
        if (chunk.length === 0) done();
      },
    });
    Object.assign(stream, { setContentType: () => undefined, setPrelude: () => undefined });
    return { source, stream, asked: asked.promise, cancelled: cancelled.promise };
  }

  it.each<[string, boolean, 'reader' | 'deadline', (stream: Writable, end: AbortController) => void]>([
    ['the reader goes away, taking nothing', true, 'reader', (stream) => stream.destroy()],
    ['the reader goes away while the API is silent', false, 'reader', (stream) => stream.destroy()],
    ['the reader fails', true, 'reader', (stream) => stream.destroy(new Error('reset'))],
    ['the reader takes nothing until the end', true, 'deadline', (_, end) => end.abort()],
    ['the API is silent until the end', false, 'deadline', (_, end) => end.abort()],
  ])('lets go of the API’s answer when %s', async (_, gives, by, act) => {
    const { source, stream, asked, cancelled } = stuck(gives);
    const { login, end, ended } = await call(source, stream);
    await asked;
    act(stream, end);
    await expect(ended).rejects.toMatchObject({ code: 'request_aborted' });
    await cancelled;
    expect(login.logs.at(-1)).toMatchObject({ code: 'answer.broken_off', facts: { status: 200, by } });
  });

  it('lets go of the API’s answer when the reader was gone before it', async () => {
    const { source, stream, cancelled } = stuck(false);
    stream.on('error', () => undefined).destroy();
    const { ended } = await call(source, stream);
    await expect(ended).rejects.toMatchObject({ code: 'request_aborted' });
    await cancelled;
  });

  it('passes on 8 MiB', async () => {
    const { browser, api } = await enter();
    const bytes = Buffer.alloc(8 * 1024 * 1024, 0xff);
    api.behaviour.answer = () => new Response(bytes);
    const answer = await browser.send(SUMMARY);
    expect(answer.statusCode).toBe(200);
    expect(Buffer.from(answer.body, 'base64').equals(bytes)).toBe(true);
  });

  it('gets tokens by scope where APIs have no resource indicator, and none of them wide', async () => {
    const config = makeConfig();
    const apis = Object.fromEntries(
      Object.entries(config.apis).map(([name, { resource: _, ...api }]) => [name, api]),
    );
    const { browser, api } = await enter({}, {}, { settings: deriveSettings({ ...config, apis }, GATEWAY) });
    await browser.send(SUMMARY);
    await browser.send('/api/documents/1');
    const scopes = api.requests.map(
      ({ headers }) => decodeJwt(headers.get('authorization')?.slice(5) ?? '')['scope'],
    );
    expect(scopes).toEqual(['test:summaries/read', 'test:documents/read']);
  });

  it.each([
    ...'. .. ..; .;x ..;x=1 %2e%2e a%2Fb a\\b a?b a#b ø'.split(' '),
    '',
    'a b',
    'a\nb',
    'x'.repeat(201),
  ])('refuses the path parameter %j', async (id) => {
    const { login, browser, api } = await enter();
    const event = callEvent(login, browser);
    const answer = await login.handlers['api']?.({ ...event, pathParameters: { id } });
    expect(answer?.statusCode).toBe(400);
    expect(api.requests).toEqual([]);
  });

  it('refuses a GET with a body', async () => {
    const { browser, api } = await enter();
    const refusal = { status: 400, code: 'request_malformed' };
    expect(await browser.ask(SUMMARY, { body: 'a' })).toMatchObject(refusal);
    expect(api.requests).toEqual([]);
  });

  it.each<[string, string, Record<string, string | undefined>]>([
    ['another site', 'GET', { 'sec-fetch-site': 'cross-site' }],
    ['a typed address', 'POST', { 'sec-fetch-site': 'none' }],
  ])('refuses a call from %s', async (_, method, headers) => {
    const { browser, api } = await enter();
    const path = method === 'GET' ? SUMMARY : '/api/documents';
    const refusal = { status: 403, code: 'csrf_refused' };
    expect(await browser.ask(path, { method, headers })).toMatchObject(refusal);
    expect(api.requests).toEqual([]);
  });

  it('refuses who is not logged in, and a route that is not declared', async () => {
    const { login, browser, api } = await arrive();
    expect(await browser.ask(SUMMARY)).toMatchObject({ status: 401, code: 'session_invalid' });
    await browser.logIn();
    const event = callEvent(login, browser);
    for (const change of [{ httpMethod: 'DELETE' }, { resource: '/api/{proxy+}' }, { resource: '__proto__' }])
      expect((await login.handlers['api']?.({ ...event, ...change }))?.statusCode).toBe(400);
    expect(api.requests).toEqual([]);
  });

  it('says so when the API or the signer does not answer', async () => {
    const { login, browser } = await enter();
    login.world.network.mount('https://api.test', () => new Promise(() => undefined));
    login.world.signer.refuseNext('signer_unavailable');
    expect(await browser.ask(SUMMARY)).toMatchObject({ status: 503 });
  });
});
