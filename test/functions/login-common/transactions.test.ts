import { isZonesError } from '@helseid-zones/protocol/errors';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkReturnPath, loginPath } from '../../../functions/login-common/transactions.ts';
import { coded } from '../../coded.ts';
import { full } from '../../full.ts';

describe('the return path', () => {
  it.each([
    ...'/ /journal /journal?day=1&x=//y#part /a//b /a?next=https://evil.test /a?x=../b /session /apis /100%'
      .split(' ')
      .map((path) => [path, path]),
    ['/å', '/%C3%A5'],
  ])('takes %j', (path, expected) => {
    expect(checkReturnPath(String(path))).toBe(expected);
  });

  it.each([
    '',
    '/\t/evil.test',
    '/\n/evil.test',
    ' /journal',
    '/a b',
    '/a\u0000',
    '/a\u2028b',
    '/\u00a0/evil.test',
    ...`journal https://evil.test javascript:alert(1) //evil.test /\\evil.test \\\\evil.test /..//evil.test
    /.//evil.test /%2e%2e//evil.test /a/../..//evil.test /a/../b /a/. /%2E%2e/a /.%2E/a /%5cevil.test /a%2Fb /%09/evil.test /a%0D%0ab
    /api/summaries/17 /api /api?x /%61pi/a /API/a
    /login /login?return=/a /callback?code=a /logout#x /logout/callback`.split(/\s+/),
    `/${'a'.repeat(1001)}`,
  ])('refuses %j', (path) => {
    expect(() => checkReturnPath(path)).toThrow(coded('return_path_invalid'));
  });

  it('never leads to another origin, whatever the browser makes of it', () => {
    const piece = fc.constantFrom(...'/\\.?#@:a\t ', '..', '%2e', '%2f', '%5c', 'evil.test');
    const path = fc.oneof(
      fc.array(piece, { maxLength: 8 }).map((parts) => `/${parts.join('')}`),
      fc.string(),
    );
    fc.assert(
      fc.property(path, (text) => {
        let accepted: string;
        try {
          accepted = checkReturnPath(text);
        } catch (error) {
          return isZonesError(error, 'return_path_invalid');
        }
        // As the redirect writes it, and as the page's link does.
        const absolute = new URL(`https://journal.test${accepted}`);
        const relative = new URL(accepted, 'https://journal.test/live/callback?x');
        const staged = new URL(`https://journal.test/live${accepted}`);
        return (
          absolute.origin === 'https://journal.test' &&
          relative.href === absolute.href &&
          staged.pathname.startsWith('/live/') &&
          !accepted.startsWith('//')
        );
      }),
      { numRuns: full(3000) },
    );
  });
});

describe('the address of the same login again', () => {
  it.each([
    [{}, '/login'],
    [{ returnPath: '/' }, '/login'],
    [{ returnPath: '/a?b=c&d#e' }, '/login?return=%2Fa%3Fb%3Dc%26d%23e'],
    [{ returnPath: '/', maxAge: 0, prompt: 'login' }, '/login?prompt=login&max_age=0'],
    [{ returnPath: '/', organization: { child: '994598759' } }, '/login?child=994598759'],
  ])('for %j is %s', (wish, expected) => {
    expect(loginPath(wish)).toBe(expected);
  });
});
