import {
  audience,
  count,
  name,
  readBy,
  scope,
  seconds,
  sha256,
  some,
  text,
} from '@helseid-zones/protocol/schema';
import * as v from 'valibot';
import { describe, expect, test } from 'vitest';

const hash = 'n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg';

const TABLE: [string, v.GenericSchema, taken: unknown[], not: unknown[]][] = [
  ['text', text, ['a', 'a'.repeat(2000)], ['', 'a'.repeat(2001), 1]],
  ['count', count, [1, 2], [0, -1, 1.5, '1']],
  ['seconds', seconds, [0, 300], [-1, 0.5, '0']],
  [
    'name',
    name,
    ['ab', 'a1', `a${'9'.repeat(14)}`],
    ['a', `a${'9'.repeat(15)}`, '1a', 'Ab', '-ab', 'ab-', 'aB'],
  ],
  [
    'sha256',
    sha256,
    [hash],
    [hash.slice(1), `${hash}A`, `A${hash}`, `${hash.slice(0, 42)}h`, `+${hash.slice(1)}`],
  ],
  ['scope', scope, ['openid', 'nhn:a/b', '!#[]~'], ['', 'a b', ' a', 'a ', 'a"', '\\a', 'æ']],
  ['audience', audience, ['nhn:api', 'æ'], ['', 'a b', ' a', 'a ', 'a\u200b', '\u202ea']],
  ['some', some(text), [['a'], ['a', 'b']], [[], [''], 'a']],
];

describe.each(TABLE)('%s', (_name, schema, taken, not) => {
  test.each(taken.map((value) => [value]))('%j is taken as it is', (value) => {
    expect(v.parse(schema, value)).toEqual(value);
  });

  test.each(not.map((value) => [value]))('%j is refused', (value) => {
    expect(v.is(schema, value)).toBe(false);
  });
});

test.each<[string, object, field: string]>([
  ['a value that does not fit', { named: { first: 1 } }, 'named.first'],
  ['one that is missing', {}, 'named'],
  ['the first of two', { named: { first: 1, second: 2 } }, 'named.first'],
  ['an unknown name', { named: {}, other: 1 }, 'other'],
  ['an unknown name that may hold anything', { named: {}, '<b>': 1 }, ''],
  ['an inherited name', { named: {}, toString: 1 }, ''],
  ['a name that its record does not take', { named: { third: 'x' } }, 'named.third'],
  ['one that may hold anything', { named: { '13816234567': 'x' } }, 'named'],
])('%s is refused by its path', (_name, value, field) => {
  const schema = v.strictObject({ named: v.record(v.picklist(['first', 'second']), text) });
  expect(() => readBy(schema, value, (path) => new Error(`<${path}>`))).toThrow(`<${field}>`);
});
