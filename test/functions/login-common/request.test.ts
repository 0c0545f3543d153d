import type { APIGatewayProxyEvent } from 'aws-lambda';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseLanguage } from '../../../functions/login-common/answer.ts';
import {
  LOGOUT_COOKIE,
  readIdCookie,
  renderCookie,
  transactionCookie,
  transactionCookies,
} from '../../../functions/login-common/cookies.ts';
import {
  type GatewayRequest,
  readHeader,
  readParameter,
  readRequest,
  requireDocument,
  requireSameOrigin,
} from '../../../functions/login-common/request.ts';

const coded = (code: string) => expect.objectContaining({ code });
const event = (change: object): APIGatewayProxyEvent =>
  ({ httpMethod: 'GET', resource: '/session', headers: {}, ...change }) as APIGatewayProxyEvent;
const request = (headers: Record<string, string[]>, method = 'GET'): GatewayRequest =>
  readRequest(event({ httpMethod: method, multiValueHeaders: headers }));

describe('the gateway’s event', () => {
  it('is read with all values, lower-case header names and a decoded body', () => {
    const read = readRequest(
      event({
        httpMethod: 'post',
        headers: { A: '2' },
        multiValueHeaders: { A: ['1', '2'], a: ['3'] },
        queryStringParameters: { q: 'y' },
        multiValueQueryStringParameters: { q: ['x', 'y'] },
        pathParameters: { id: '7' },
        body: Buffer.from('å').toString('base64'),
        isBase64Encoded: true,
        requestContext: { requestId: 'r' },
      }),
    );
    expect(read.method).toBe('POST');
    expect(read.headers.get('a')).toEqual(['1', '2', '3']);
    expect(read.query.getAll('q')).toEqual(['x', 'y']);
    expect(read.pathParameters.get('id')).toBe('7');
    expect(read.body?.toString()).toBe('å');
    expect(read.id).toBe('r');
  });

  it('falls back to single values, and bears what is null or absent', () => {
    const change = { headers: { Cookie: 'a=b' }, queryStringParameters: { q: 'x' }, body: null };
    const read = readRequest(event(change));
    expect(read.headers.get('cookie')).toEqual(['a=b']);
    expect(read.query.get('q')).toBe('x');
    expect(read.body).toBeUndefined();
    expect(readRequest(event({ headers: null, multiValueHeaders: null })).id).toBe('-');
  });

  it.each([{ httpMethod: undefined }, { resource: undefined }, { httpMethod: 1 }])(
    'is refused without its shape: %j',
    (change) => {
      expect(() => readRequest(event(change))).toThrow(coded('event_invalid'));
    },
  );

  it('gives one value, or refuses', () => {
    const multiValueQueryStringParameters = { q: ['x', 'x'] };
    const multiValueHeaders = { Origin: ['a', 'b'] };
    const twice = readRequest(event({ multiValueHeaders, multiValueQueryStringParameters }));
    expect(() => readHeader(twice, 'origin')).toThrow(coded('request_malformed'));
    expect(() => readParameter(twice, 'q')).toThrow(coded('request_malformed'));
    expect(readHeader(twice, 'x')).toBeUndefined();
  });
});

describe('cookies', () => {
  const id = 'A'.repeat(43);

  it.each([
    [`${LOGOUT_COOKIE}=${id}`, id],
    [`a=b; ${LOGOUT_COOKIE}=${id};c`, id],
    [`a=b;\t ${LOGOUT_COOKIE}=${id};c`, id],
    [`a=b;${LOGOUT_COOKIE}=${id}`, id],
    [`${LOGOUT_COOKIE}=${id}; ${LOGOUT_COOKIE}=${id}`, undefined],
    [`${LOGOUT_COOKIE}="${id}"`, undefined],
    [`${LOGOUT_COOKIE}=`, undefined],
    [`x${LOGOUT_COOKIE}=${id}`, undefined],
    [`${LOGOUT_COOKIE.toUpperCase()}=${id}`, undefined],
    ['', undefined],
  ])('of %j give %j', (cookie, expected) => {
    expect(readIdCookie(request({ cookie: [cookie] }), LOGOUT_COOKIE)).toBe(expected);
  });

  const spaces = Array.from({ length: 0x10000 }, (_, code) => String.fromCharCode(code)).filter((character) =>
    /\s/.test(character),
  );
  const around = fc.string({ unit: fc.constantFrom(...spaces), maxLength: 3 });

  // A sibling host may set a cookie of such a name: for the browser it has no prefix.
  it.each(spaces.filter((character) => !' \t'.includes(character)))('are not ours after %j', (space) => {
    fc.assert(
      fc.property(around, around, fc.constantFrom('a=b; ', 'a=b;', ''), (before, after, other) => {
        const cookie = (name: string) =>
          request({ cookie: [`${other}${before}${space}${after}${name}=${id}`] });
        expect(readIdCookie(cookie(LOGOUT_COOKIE), LOGOUT_COOKIE)).toBeUndefined();
        expect(transactionCookies(cookie(transactionCookie('state')))).toEqual([]);
      }),
      { numRuns: 20 },
    );
  });

  it('are read from several headers', () => {
    expect(readIdCookie(request({ cookie: ['a=b', `${LOGOUT_COOKIE}=${id}`] }), LOGOUT_COOKIE)).toBe(id);
    expect(readIdCookie(request({}), LOGOUT_COOKIE)).toBeUndefined();
  });

  it('of transactions have names that derive from state', () => {
    const name = transactionCookie('state');
    expect(name).toMatch(/^__Host-login-[\w-]{16}$/);
    expect(transactionCookie('other')).not.toBe(name);
    expect(transactionCookies(request({ cookie: [`a=b; ${name}=x; ${LOGOUT_COOKIE}=y`] }))).toEqual([name]);
  });

  it('are written with every attribute', () => {
    expect(renderCookie('__Host-a', 'b', { sameSite: 'Lax', maxAge: 5 })).toBe(
      '__Host-a=b; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=5',
    );
  });
});

describe('the language', () => {
  it.each([
    [undefined, 'nb'],
    ['', 'nb'],
    ['en', 'en'],
    ['en-GB,en;q=0.9', 'en'],
    ['nn, en;q=0.5', 'nb'],
    ['no;q=0.2, en;q=0.3', 'en'],
    ['nb;q=0, en;q=0.1', 'en'],
    ['fr, de', 'nb'],
    ['fr, EN', 'en'],
    ['en;q=2', 'en'],
    ['en;q=abc, nb;q=0.9', 'en'],
    [';;;,,,q=', 'nb'],
    ['__proto__, constructor', 'nb'],
  ])('of %j is %s', (header, expected) => {
    expect(chooseLanguage(header)).toBe(expected);
  });
});

describe('the same origin', () => {
  const ours = 'https://journal.test';

  const site = (site: string, more = {}) => ({ 'sec-fetch-site': site, ...more });
  const [csrf, nowhere] = [{ 'x-csrf': '1' }, { origin: 'null' }];
  const of = (judgement: string, method: string, ...headers: Record<string, string>[]) =>
    headers.map((each) => [judgement, method, each] as const);
  it.each([
    ...of('passes', 'GET', {}, site('none'), site('same-origin'), { origin: ours }),
    ...of('passes', 'POST', site('same-origin'), { origin: ours }, csrf),
    ...of('passes', 'POST', site('same-origin', { origin: ours, ...csrf })),
    ...of('passes', 'DELETE', { origin: ours }),
    // A form on a page with `Referrer-Policy: no-referrer`, in Chromium.
    ...of('passes', 'POST', site('same-origin', nowhere)),
    ...of('passes', 'GET', site('same-origin', nowhere), site('none', nowhere)),
    ...of('refuses', 'GET', site('cross-site'), site('same-site'), { origin: 'https://evil.test' }, nowhere),
    ...of('refuses', 'POST', {}, site('none'), site('cross-site', csrf), nowhere, { ...nowhere, ...csrf }),
    ...of('refuses', 'POST', site('cross-site', nowhere), site('none', { origin: ours, ...csrf })),
    ...of('refuses', 'POST', site('Same-Origin'), { origin: `${ours}/`, ...csrf }),
    ...of('refuses', 'POST', { origin: 'http://journal.test' }, { origin: `${ours}.evil.test` }),
    ...of('refuses', 'PUT', {}),
    ...of('refuses', 'PATCH', {}),
    ...of('refuses', 'DELETE', site('same-site', { origin: ours })),
  ])('%s %s with %j', (judgement, method, headers) => {
    const lists = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]]));
    const judge = expect(() => requireSameOrigin(request(lists, method), ours));
    if (judgement === 'passes') judge.not.toThrow();
    else judge.toThrow(coded('csrf_refused'));
  });
});

describe('the whole window', () => {
  it.each([{}, { 'sec-fetch-dest': ['document'] }])('may be sent on: %j', (headers) => {
    expect(() => requireDocument(request(headers))).not.toThrow();
  });

  it.each([...'image iframe frame script style empty object embed font Document'.split(' '), ''])(
    'is not %j',
    (destination) => {
      expect(() => requireDocument(request({ 'sec-fetch-dest': [destination] }))).toThrow(
        coded('csrf_refused'),
      );
    },
  );
});
