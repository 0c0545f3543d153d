import { checkParameters, renderParameters } from '@helseid-zones/protocol/parameters';
import { describe, expect, test } from 'vitest';

const sha256 = 'n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg';
const check = (name: string, value: string | string[]) => () =>
  checkParameters({ [name]: value }, 'parameters');
const refused = (name: string) =>
  expect.objectContaining({ code: 'intent_malformed', facts: { field: `parameters.${name}` } });

/** Values of each parameter that pass, the longest among them; then some that do not. RFC 6749 4.1.1, 7636 4.3, 9449 10, OpenID Connect Core 3.1.2.1. */
const TABLE: [name: string, taken: string[], not: string[]][] = [
  ['response_type', ['code'], ['token', 'code id_token']],
  ['response_mode', ['query', 'form_post'], ['fragment', 'jwt']],
  [
    'redirect_uri',
    [
      'https://journal.example.no/callback?x=1',
      `https://${'a'.repeat(2000)}`,
      'http://localhost/',
      'http://127.0.0.1:3000/callback',
      `http://localhost:65535/${'a'.repeat(2000)}`,
    ],
    [
      'http://journal.example.no/callback',
      'https://journal.example.no/#x',
      'https://journal.example.no/a b',
      `https://${'a'.repeat(2001)}`,
      'http://localhost',
      'http://localhost:/',
      'http://localhost:123456/',
      'http://localhost:a/',
      'http://localhost.evil.example/',
      'http://localhost/#x',
      'http://127x0.0.1/',
      `http://localhost/${'a'.repeat(2001)}`,
    ],
  ],
  ['scope', ['openid', 'openid profile', '!#[]~'], ['a  b', 'a"b', 'a\\b', ' a', 'æ']],
  ['state', ['x', ' ~', 'a'.repeat(512)], ['a'.repeat(513), 'æ']],
  ['nonce', ['x', 'a'.repeat(512)], ['a'.repeat(513), 'æ']],
  ['code_challenge', [sha256], [sha256.slice(1), `${sha256}a`, sha256.replace('-', '+')]],
  ['code_challenge_method', ['S256'], ['plain', 'S256 plain']],
  ['acr_values', ['idporten-loa-high', 'Level4 Level3'], ['a  b', 'æ']],
  ['prompt', ['login', 'login consent'], ['a  b', 'æ']],
  ['max_age', ['0', '999999999'], ['1e3', '-1', '1234567890']],
  ['ui_locales', ['nb', 'nb nn'], ['a  b', 'æ']],
  ['on_behalf_of', ['974760673', 'NO:ORGNR:974760673', 'a'.repeat(64)], ['a'.repeat(65), 'a-b', 'æ']],
  [
    'resource',
    ['https://a.example.no', 'urn:b', 'a+.-1:x', `urn:${'a'.repeat(2000)}`],
    ['a.example.no', 'urn:', '1rn:b', 'Urn:b', 'u_n:b', 'urn:a b', 'urn:a#b', `urn:${'a'.repeat(2001)}`],
  ],
  ['dpop_jkt', [sha256], [sha256.slice(1), `${sha256}a`]],
];

describe.each(TABLE)('%s', (name, taken, not) => {
  test.each(taken)('%j is taken', (value) => {
    expect(check(name, value)).not.toThrow();
  });

  // A tab is part of no value: whatever stands before or behind one that passes is read too.
  test.each([...not, '', ...taken.flatMap((value) => [`\t${value}`, `${value}\t`])])(
    '%j is refused',
    (value) => {
      expect(check(name, value)).toThrow(refused(name));
    },
  );
});

test.each<[string, string | string[]]>([
  ['sub', 'somebody'],
  ['request_uri', 'urn:x'],
  ['toString', 'x'],
  ['scope', ['openid']],
  ['resource', []],
  ['resource', ['urn:a', 'x']],
])('%s: %j is refused', (name, value) => {
  expect(check(name, value)).toThrow(refused(name));
});

test('resources may be several, and only max_age becomes a number', () => {
  expect(check('resource', ['urn:a', 'urn:b'])).not.toThrow();
  expect(renderParameters({ max_age: '300', state: '300', resource: ['urn:a'] })).toEqual({
    max_age: 300,
    state: '300',
    resource: ['urn:a'],
  });
});
