import { canonicalUrl, urlBelow } from '@helseid-zones/protocol/url';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { anyUrl } from '../any-text.ts';
import { coded } from '../coded.ts';
import { full } from '../full.ts';

test.each([
  ['https://api.example.no/', 'https://api.example.no', '/'],
  ['https://api.example.no/v1/summaries/42', 'https://api.example.no', '/v1/summaries/42'],
  ['https://api.example.no:8443/a?b=/../c#d', 'https://api.example.no:8443', '/a'],
  ['https://api.example.no/a?x=%2F&y=@', 'https://api.example.no', '/a'],
  ['https://api.example.no/a#?', 'https://api.example.no', '/a'],
  ['https://api.example.no/bl%C3%A5b%C3%A6r/', 'https://api.example.no', '/bl%C3%A5b%C3%A6r/'],
  ['https://api.example.no/a%20b/c@d:e', 'https://api.example.no', '/a%20b/c@d:e'],
  ['https://api.example.no/Patient/$everything', 'https://api.example.no', '/Patient/$everything'],
  ['https://[::1]:3443/a', 'https://[::1]:3443', '/a'],
  ['https://api.example.no/.well-known/x', 'https://api.example.no', '/.well-known/x'],
  ['https://api.example.no/...', 'https://api.example.no', '/...'],
  ['https://api.example.no/a;x=1/b%3Bc', 'https://api.example.no', '/a;x=1/b%3Bc'],
  [`https://api.example.no/${'a'.repeat(2025)}`, 'https://api.example.no', `/${'a'.repeat(2025)}`],
])('%s is taken', (url, origin, path) => {
  expect(canonicalUrl(url)).toEqual({ origin, path });
});

test.each([
  ['', 'can not be parsed'],
  ['/v1', 'can not be parsed'],
  ['//api.example.no/', 'can not be parsed'],
  ['http://api.example.no/', 'not https'],
  ['ftp://api.example.no/', 'not https'],
  ['javascript:alert(1)', 'not https'],
  ['https:api.example.no/', 'canonical form'],
  ['https:/api.example.no/', 'canonical form'],
  ['https:\\\\api.example.no\\a', 'canonical form'],
  ['https://api.example.no\\@evil.example/', 'canonical form'],
  ['https://user@api.example.no/', 'user information'],
  ['https://user:pw@api.example.no/', 'user information'],
  ['https://:pw@api.example.no/', 'user information'],
  ['https://@api.example.no/', 'canonical form'],
  ['https://api.example.no', 'canonical form'],
  ['https://api.example.no:443/', 'canonical form'],
  ['https://API.example.no/', 'canonical form'],
  ['HTTPS://api.example.no/', 'canonical form'],
  ['https://0x7f.1/', 'canonical form'],
  ['https://api.exämple.no/', 'printable ASCII'],
  ['https://api.example.no/a b', 'printable ASCII'],
  ['https://api.example.no/a\n', 'printable ASCII'],
  [' https://api.example.no/', 'printable ASCII'],
  ['https://api.example.no/a/../b', 'canonical form'],
  ['https://api.example.no/a/./b', 'canonical form'],
  ['https://api.example.no/a/..', 'canonical form'],
  ['https://api.example.no/a/%2e%2e/b', 'canonical form'],
  ['https://api.example.no/a/%2E%2E/b', 'canonical form'],
  ['https://api.example.no/a/.%2E/b', 'canonical form'],
  ['https://api.example.no/a/..;/b', 'dot segment'],
  ['https://api.example.no/a/..;x=1/b', 'dot segment'],
  ['https://api.example.no/a/..%3Bx/b', 'dot segment'],
  ['https://api.example.no/a/.;', 'dot segment'],
  ['https://api.example.no//a', 'empty path segment'],
  ['https://api.example.no/a//b', 'empty path segment'],
  ['https://api.example.no/a\\b', 'canonical form'],
  ['https://api.example.no/a%2Fb', 'read differently'],
  ['https://api.example.no/a%2fb', 'percent-encoded'],
  ['https://api.example.no/a%5Cb', 'read differently'],
  ['https://api.example.no/a%252Fb', 'read differently'],
  ...['%61', '%41', '%4F', '%55', '%6A', '%75', '%30', '%2D', '%2E', '%5F', '%7E', '%7F', '%1F', '%25'].map(
    (encoded): [string, string] => [`https://api.example.no/a${encoded}`, 'read differently'],
  ),
  ['https://api.example.no/%2e', 'canonical form'],
  ['https://api.example.no/a%00b', 'read differently'],
  ['https://api.example.no/a%0D%0Ab', 'read differently'],
  ['https://api.example.no/a%', 'percent-encoded'],
  ['https://api.example.no/a%4', 'percent-encoded'],
  ['https://api.example.no/a%zz', 'percent-encoded'],
  ['https://api.example.no/a%c3%a5', 'percent-encoded'],
  ['https://api.example.no/a%FF', 'not text'],
  ['https://api.example.no/a%C0%AFb', 'not text'],
  ['https://api.example.no/a%C2%85b', 'not text'],
  ['https://api.example.no/a%E2%80%AEb', 'not text'],
  ['https://api.example.no/a|b', 'percent-encoded'],
  ['https://api.example.no/a[b]', 'percent-encoded'],
  ['https://api.example.no/a|/b', 'percent-encoded'],
  [`https://api.example.no/${'a'.repeat(2026)}`, 'longer'],
])('%s is refused: %s', (url, why) => {
  expect(() => canonicalUrl(url)).toThrow(coded('intent_malformed', why, { field: 'url' }));
});

test('what is taken names the same place as the whole URL, whatever the input', () => {
  fc.assert(
    fc.property(fc.oneof(anyUrl, fc.string()), (input) => {
      let taken: ReturnType<typeof canonicalUrl>;
      try {
        taken = canonicalUrl(input);
      } catch (error) {
        expect(error).toMatchObject({ code: 'intent_malformed' });
        return;
      }
      const url = new URL(input);
      expect(taken).toEqual({ origin: url.origin, path: url.pathname });
      expect(input.startsWith(taken.origin + taken.path)).toBe(true);
    }),
    { numRuns: full(500) },
  );
});

test.each([
  ['/Patient?name=x', 'https://api.example.no/fhir/Patient?name=x'],
  ['https://api.example.no/fhir', 'https://api.example.no/fhir'],
  ['https://api.example.no/fhir/a/b', 'https://api.example.no/fhir/a/b'],
  ['/../admin', undefined],
  ['Patient', undefined],
  ['', undefined],
  ['https://api.example.no/fhirx', undefined],
  ['https://api.example.no/', undefined],
  ['https://api.example.no:8443/fhir/a', undefined],
  ['http://api.example.no/fhir/a', undefined],
  ['https://api.example.no@elsewhere.example/fhir/a', undefined],
  ['https://elsewhere.example/https://api.example.no/fhir/', undefined],
])('%s below https://api.example.no/fhir is %s', (text, url) => {
  expect(urlBelow('https://api.example.no/fhir', text)?.href).toBe(url);
});

test('what is below an origin alone keeps to it, whatever the path says', () => {
  expect(urlBelow('https://api.example.no', '/a')?.href).toBe('https://api.example.no/a');
  expect(urlBelow('https://api.example.no', '@elsewhere.example/a')).toBeUndefined();
  expect(urlBelow('https://api.example.no', 'https://api.example.no.elsewhere.example/a')).toBeUndefined();
});
