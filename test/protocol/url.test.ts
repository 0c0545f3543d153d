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
  ['https://api.example.no/a/..%20b/.c%3Fd', 'https://api.example.no', '/a/..%20b/.c%3Fd'],
  ['https://api.example.no/a/b%E2%80%A6/%E2%91%A0', 'https://api.example.no', '/a/b%E2%80%A6/%E2%91%A0'],
  ['https://api.example.no/a;x=1/b%3Bc', 'https://api.example.no', '/a;x=1/b%3Bc'],
  [`https://api.example.no/${'a'.repeat(2025)}`, 'https://api.example.no', `/${'a'.repeat(2025)}`],
])('%s is taken', (url, origin, path) => {
  expect(canonicalUrl(url)).toEqual({ origin, path });
});

/** What is refused of https://api.example.no, by the reason. */
const REFUSED: Readonly<Record<string, string>> = {
  'canonical form': `/a/../b /a/./b /a/.. /a/%2e%2e/b /a/%2E%2E/b /a/.%2E/b /a\\b /%2e \\@evil.example/ :443/`,
  'dot segment': `/a/..;/b /a/..;x=1/b /a/..%3Bx/b /a/.; /a/..%20/b /a/%20../b /a/%20..%20%20 /a/.%C2%A0/b /a/..%E3%80%80;x
    /a/..%3Fx /a/..%23 /a/+.. /a/%EF%BC%8E./b /a/%E2%80%A5/b /a/b%EF%BC%8F..`,
  'empty path segment': '//a /a//b',
  'percent-encoded': '/a%2fb /a% /a%4 /a%zz /a%c3%a5 /a|b /a[b] /a|/b',
  'read differently': `/a%2Fb /a%5Cb /a%252Fb /a%00b /a%0D%0Ab
    /a%61 /a%41 /a%4F /a%55 /a%6A /a%75 /a%30 /a%2D /a%2E /a%5F /a%7E /a%7F /a%1F /a%25`,
  'not text': '/a%FF /a%C0%AFb /a%C2%85b /a%E2%80%AEb',
};
/** The same, of whole URLs. */
const REFUSED_WHOLE: Readonly<Record<string, string>> = {
  'can not be parsed': '/v1 //api.example.no/',
  'not https': 'ftp://api.example.no/ javascript:alert(1)',
  'canonical form': `https:api.example.no/ https:/api.example.no/ https:\\\\api.example.no\\a https://@api.example.no/
    https://api.example.no https://API.example.no/ HTTPS://api.example.no/ https://0x7f.1/`,
  'user information':
    'https://user@api.example.no/ https://user:pw@api.example.no/ https://:pw@api.example.no/',
};
const each = (table: typeof REFUSED, before = '') =>
  Object.entries(table).flatMap(([why, urls]) =>
    urls.split(/\s+/).map((url) => [before + url, why] as const),
  );

test.each<readonly [string, string]>([
  ...each(REFUSED, 'https://api.example.no'),
  ...each(REFUSED_WHOLE),
  ['', 'can not be parsed'],
  ['http://api.example.no/', 'not https'],
  ['https://api.exämple.no/', 'printable ASCII'],
  ['https://api.example.no/a b', 'printable ASCII'],
  ['https://api.example.no/a\n', 'printable ASCII'],
  [' https://api.example.no/', 'printable ASCII'],
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
