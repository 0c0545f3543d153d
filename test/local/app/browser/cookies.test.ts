import { describe, expect, test } from 'vitest';
import { createCookieJar, isSameSite } from '../../../../local/app/browser/cookies.ts';

const GATEWAY = new URL('http://localhost:3000/session');
const ISSUER = new URL('https://localhost:3443/account/login/1');
const OTHER = new URL('http://example.no/session');

function jarWith(line: string, from = GATEWAY) {
  const jar = createCookieJar();
  jar.keep(from, [line]);
  return jar;
}
const get = { method: 'GET' };

describe('a cookie is kept', () => {
  test.each([
    ['plain', 'a=1'],
    ['with the prefix, secure, for every path', '__Host-a=1; Path=/; Secure'],
    ['secure, from this machine', 'a=1; Secure'],
    ['with an equals sign in its value', 'a=1=2'],
  ])('%s', (_, line) => {
    expect(jarWith(line).header({ ...get, url: new URL(GATEWAY.origin) })).not.toBe('');
  });
});

describe('a cookie is refused', () => {
  test.each([
    ['without a name', '=1', GATEWAY],
    ['with the prefix but not secure', '__Host-a=1; Path=/', GATEWAY],
    ['with the prefix but for one path', '__Host-a=1; Path=/x; Secure', GATEWAY],
    ['with the prefix but without a path', '__Host-a=1; Secure', GATEWAY],
    ['for a domain', 'a=1; Domain=localhost', GATEWAY],
    ['secure, over plain http from elsewhere', 'a=1; Secure', OTHER],
  ])('%s', (_, line, from) => {
    const jar = jarWith(line, from);
    expect([jar.value('a'), jar.value('__Host-a'), jar.value('')]).toEqual([undefined, undefined, undefined]);
  });
});

describe('a cookie is sent', () => {
  test.each([
    ['Strict', undefined, 'GET', true],
    ['Strict', GATEWAY, 'POST', true],
    ['Strict', ISSUER, 'GET', false],
    ['Lax', ISSUER, 'GET', true],
    ['Lax', ISSUER, 'POST', false],
    ['None', ISSUER, 'POST', true],
  ])('%s, from %s by %s: %s', (sameSite, initiator, method, sent) => {
    const jar = jarWith(`a=1; SameSite=${sameSite}; Secure`);
    expect(jar.header({ url: GATEWAY, method, initiator })).toBe(sent ? 'a=1' : '');
  });

  test('that says nothing of SameSite is Lax', () => {
    expect(jarWith('a=1').header({ url: GATEWAY, method: 'POST', initiator: ISSUER })).toBe('');
  });

  test.each([
    ['/account/login', '/account/login/1', true],
    ['/account/login/', '/account/login/1', true],
    ['/account/login/1', '/account/login/1', true],
    ['/account/log', '/account/login/1', false],
    ['/other', '/account/login/1', false],
  ])('for the path %s to %s: %s', (path, to, sent) => {
    const jar = jarWith(`a=1; Path=${path}`);
    expect(jar.header({ ...get, url: new URL(to, GATEWAY) }) === 'a=1').toBe(sent);
  });

  test('to every port of its host, to no other host, and secure ones to no plain http elsewhere', () => {
    const jar = jarWith('a=1; Secure', ISSUER);
    expect(jar.header({ ...get, url: GATEWAY })).toBe('');
    expect(jarWith('a=1; Secure; Path=/', ISSUER).header({ ...get, url: GATEWAY })).toBe('a=1');
    expect(jar.header({ ...get, url: OTHER })).toBe('');
    const elsewhere = new URL('https://example.no/');
    expect(jarWith('a=1; Secure', elsewhere).header({ ...get, url: OTHER })).toBe('');
    expect(jarWith('a=1; Secure', elsewhere).header({ ...get, url: elsewhere })).toBe('a=1');
  });
});

test('the last of a name counts; Max-Age=0 and a date of 1970 remove it', () => {
  for (const end of ['Max-Age=0', 'Expires=Thu, 01 Jan 1970 00:00:00 GMT']) {
    const jar = jarWith('a=1; Path=/');
    jar.keep(GATEWAY, ['a=2; Path=/', 'b=3; Path=/']);
    expect(jar.header({ ...get, url: GATEWAY })).toBe('a=2; b=3');
    jar.keep(GATEWAY, [`a=; Path=/; ${end}`]);
    expect([jar.value('a'), jar.value('b')]).toEqual([undefined, '3']);
  }
});

test('a site has a scheme and no port', () => {
  expect(isSameSite(GATEWAY, new URL('http://localhost:9/'))).toBe(true);
  expect(isSameSite(GATEWAY, ISSUER)).toBe(false);
  expect(isSameSite(GATEWAY, OTHER)).toBe(false);
});
