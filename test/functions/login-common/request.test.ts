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

  it.each<['passes' | 'refuses', string, Record<string, string>]>([
    ['passes', 'GET', {}],
    ['passes', 'GET', { 'sec-fetch-site': 'none' }],
    ['passes', 'GET', { 'sec-fetch-site': 'same-origin' }],
    ['passes', 'GET', { origin: ours }],
    ['passes', 'POST', { 'sec-fetch-site': 'same-origin' }],
    ['passes', 'POST', { origin: ours }],
    ['passes', 'POST', { 'x-csrf': '1' }],
    ['passes', 'POST', { 'sec-fetch-site': 'same-origin', origin: ours, 'x-csrf': '1' }],
    ['passes', 'DELETE', { origin: ours }],
    // A form on a page with `Referrer-Policy: no-referrer`, in Chromium.
    ['passes', 'POST', { 'sec-fetch-site': 'same-origin', origin: 'null' }],
    ['passes', 'GET', { 'sec-fetch-site': 'same-origin', origin: 'null' }],
    ['passes', 'GET', { 'sec-fetch-site': 'none', origin: 'null' }],
    ['refuses', 'GET', { 'sec-fetch-site': 'cross-site' }],
    ['refuses', 'GET', { 'sec-fetch-site': 'same-site' }],
    ['refuses', 'GET', { origin: 'https://evil.test' }],
    ['refuses', 'POST', {}],
    ['refuses', 'POST', { 'sec-fetch-site': 'none' }],
    ['refuses', 'POST', { 'sec-fetch-site': 'cross-site', 'x-csrf': '1' }],
    ['refuses', 'POST', { origin: 'null' }],
    ['refuses', 'GET', { origin: 'null' }],
    ['refuses', 'POST', { origin: 'null', 'x-csrf': '1' }],
    ['refuses', 'POST', { 'sec-fetch-site': 'cross-site', origin: 'null' }],
    ['refuses', 'POST', { 'sec-fetch-site': 'none', origin: ours, 'x-csrf': '1' }],
    ['refuses', 'POST', { 'sec-fetch-site': 'Same-Origin' }],
    ['refuses', 'POST', { origin: `${ours}/`, 'x-csrf': '1' }],
    ['refuses', 'POST', { origin: 'http://journal.test' }],
    ['refuses', 'POST', { origin: `${ours}.evil.test` }],
    ['refuses', 'PUT', {}],
    ['refuses', 'PATCH', {}],
    ['refuses', 'DELETE', { 'sec-fetch-site': 'same-site', origin: ours }],
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
