import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isHtuOf } from '../../../functions/authorizer/compare-url.ts';

const BASE = 'https://h.example';
const words = ({ raw }: TemplateStringsArray) => String(raw).trim().split(/\s+/);
/** URLs below the base, each with a path: a pair after a line or a bar. */
const pairs = ({ raw }: TemplateStringsArray) =>
  String(raw)
    .split(/[\n|]/)
    .map((pair) => pair.trim().split(' '))
    .map(([url = '', path = '']): [string, string] => [BASE + url, path]);

describe('a spelling of the same URL', () => {
  test.each([
    ...words`https://H.Example HTTPS://h.example:443 https://h.example:`.map((origin) => [
      `${origin}/live/17`,
      '/live/17',
    ]),
    ['https://h.example?a=1', '/'],
    ['https://h.example', '/'],
    ['https://h.example/', ''],
    ...pairs`/live/17?a=1#b /live/17 | /%6Cive/%31%37 /live/17 | /live/%c3%A5 /live/%C3%a5 | /live/%C3%A5 /live/å
      /live/%28a%29 /live/(a) | /live/./x/../17 /live/17 | /live/%2e/x/%2E%2E/17 /live/17 | /live/x/.. /live/
      /live/. /live/ | /.. / | /live/x.. /live/x.. | /live/... /live/... | /live/..x /live/..x | /live/.x /live/.x
      /a%3Fb /a?b | /a%3Fb /a%3Fb | /a%23b /a#b | /100%25 /100% | /%254 /%4 | /%254x%C3%A5 /%4xå
      /live//17 /live//17 | /live/.well-known /live/.well-known`,
    ['https://h.example/live/a%20b', '/live/a b'],
  ])('%s is %s', (htu, path) => {
    expect(isHtuOf(htu, BASE, path)).toBe(true);
  });

  test('below a prefix, on a port, at an address', () => {
    expect(isHtuOf('https://h.example/live/17', 'https://h.example/live', '/17')).toBe(true);
    expect(isHtuOf('https://h.example/live', 'https://h.example/live', '')).toBe(true);
    expect(isHtuOf('https://h.example//live/17', 'https://h.example//live', '/17')).toBe(true);
    expect(isHtuOf('https://h.example/17', 'https://h.example//live', '/17')).toBe(false);
    expect(isHtuOf('http://LOCALHOST:8080/17', 'http://localhost:8080', '/17')).toBe(true);
    expect(isHtuOf('http://h.example:80/17', 'http://h.example', '/17')).toBe(true);
    expect(isHtuOf('https://[::1]/17', 'https://[::1]:443', '/17')).toBe(true);
  });
});

describe('not the URL of the request, though a browser would make it so', () => {
  const ofRoot = ['https://h.example@other.example/', 'https://h.example:443x', ''];
  const same =
    `https://h.example\\live\\17 https:\\\\h.example/live/17 https:h.example/live/17 https:/h.example/live/17
    https:///h.example/live/17 https://h.exam\u00adple/live/17 https://%68.example/live/17 https://h。example/live/17
    https://user@h.example/live/17 https://h.example:443@h.example/live/17 https://h.example:0443/live/17
    https://h.example./live/17 //h.example/live/17 /live/17 https://h.example/live/17?a=\u007f`.split(/\s+/);
  const spaced = [
    'https://h.example/li\tve/17',
    '\thttps://h.example/live/17',
    ' https://h.example/live/17',
  ].concat(['\n', ' ', '\u0000'].map((end) => `https://h.example/live/17${end}`));

  test.each([
    ...[...same, ...spaced].map((htu) => [htu, '/live/17'] as const),
    ...ofRoot.map((htu) => [htu, '/'] as const),
  ])('%j', (htu, path) => {
    expect(isHtuOf(htu, BASE, path)).toBe(false);
  });
});

describe('another URL', () => {
  test.each([
    ...pairs`/live /live?17 | /live /live#17 | /live/17 /live?/17 | /a%2Fb /a/b | /a/b /a%2Fb | /a /a/ | /a /A
      /a//b /a/b | /%2561 /%61 | /x /a/../x | /% /% | /%4 /%4 | /%4x /%4x | /%x4 /%x4 | /%ff /%ff
      /live/17 live/17 | /17 live/17 | / live`,
    ...words`http://h.example https://h.example:444 https://other.example ftp://h.example`.map((origin) => [
      `${origin}/live`,
      '/live',
    ]),
  ])('%s is not %s', (htu, path) => {
    expect(isHtuOf(htu, BASE, path)).toBe(false);
  });

  test('and nothing but text is a URL', () => {
    expect(isHtuOf('nonsense', 'nonsense', '/')).toBe(false);
    for (const htu of [undefined, null, 1, ['https://h.example/'], new URL('https://h.example/')])
      expect(isHtuOf(htu, BASE, '/')).toBe(false);
  });
});

const segment = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 8 })
  .filter((text) => text.isWellFormed() && !/^\.{1,2}$/.test(text));
const segments = fc.array(segment, { minLength: 1, maxLength: 4 });
const encodeAll = (text: string) =>
  [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');

describe('for every path', () => {
  test('the URL that a client makes of it names it, however much is percent-encoded, and whatever follows', () => {
    fc.assert(
      fc.property(segments, fc.constantFrom('', '?', '?a=b', '#c', '?x/../y#z'), (parts, rest) => {
        const path = `/${parts.map(encodeURIComponent).join('/')}`;
        expect(isHtuOf(`${BASE}${path}${rest}`, BASE, path)).toBe(true);
        expect(isHtuOf(`${BASE}/${parts.map(encodeAll).join('/')}${rest}`, BASE, path)).toBe(true);
      }),
    );
  });

  test('also where the gateway has decoded its segments', () => {
    fc.assert(
      fc.property(segments, (parts) => {
        fc.pre(parts.every((part) => !/[/%]/.test(part)));
        const htu = `${BASE}/${parts.map(encodeURIComponent).join('/')}`;
        expect(isHtuOf(htu, BASE, `/${parts.join('/')}`)).toBe(true);
      }),
    );
  });

  test('the URL of another path does not', () => {
    fc.assert(
      fc.property(segments, segments, (parts, others) => {
        fc.pre(parts.join('/') !== others.join('/') || parts.length !== others.length);
        const [path, other] = [parts, others].map((list) => `/${list.map(encodeURIComponent).join('/')}`);
        expect(isHtuOf(`${BASE}${other}`, BASE, String(path))).toBe(false);
      }),
    );
  });

  test('no character that a URI can’t hold is dropped or read as another', () => {
    fc.assert(
      fc.property(
        segment,
        fc.constantFrom('\\', '\t', '\n', '\r', '\u0000', '\u001f', '\u007f', '\u0085'),
        fc.nat(),
        (part, bad, at) => {
          const url = `${BASE}/${encodeURIComponent(part)}`;
          const cut = at % (url.length + 1);
          expect(
            isHtuOf(url.slice(0, cut) + bad + url.slice(cut), BASE, `/${encodeURIComponent(part)}`),
          ).toBe(false);
        },
      ),
    );
  });
});
