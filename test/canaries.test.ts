import { ZonesError } from '@helseid-zones/protocol/errors';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CANARIES, canary, findLeak, plant, takeLeaks, watch } from './canaries.ts';
import { collectLog } from './fakes/log.ts';

const names = Object.keys(CANARIES) as (keyof typeof CANARIES)[];

/** How a secret gets out. */
const ENCODINGS: readonly ((secret: string) => string)[] = [
  (secret) => secret,
  ...(['base64', 'base64url', 'hex'] as const).map(
    (form) => (secret: string) => Buffer.from(secret).toString(form),
  ),
  (secret) => Buffer.from(secret).toString('hex').toUpperCase(),
];

/** Where it gets out. */
const PLACES: readonly [string, (text: string) => unknown][] = [
  ['a text', (text) => text],
  ['a member, deep down', (text) => ({ a: [{ b: new Map([['c', { d: text }]]) }] })],
  ['an error’s message', (text) => new Error(text)],
  [
    'an error’s facts',
    (text) => new ZonesError('token_refused', 'no', { facts: { status: 400, error: text } }),
  ],
  [
    'an error’s cause',
    (text) => new Error('no', { cause: new ZonesError('key_unknown', 'no', { cause: new Error(text) }) }),
  ],
  ['a member of an error', (text) => Object.assign(new Error('no'), { response: { body: text } })],
];

describe('a planted secret', () => {
  test.each(PLACES)('is found in %s, encoded anyhow, with anything around it', (_, put) => {
    fc.assert(
      fc.property(
        fc.constantFrom(...names),
        fc.constantFrom(...ENCODINGS),
        fc.string({ unit: 'grapheme-ascii', maxLength: 9 }),
        fc.string({ unit: 'grapheme-ascii', maxLength: 9 }),
        (name, encode, before, behind) => {
          expect(findLeak(put(`say ${encode(`${before}${CANARIES[name]}${behind}`)}, then`))).toBe(name);
        },
      ),
      { numRuns: 40 },
    );
  });

  test('is not found where it is not', () => {
    for (const [, put] of PLACES) expect(findLeak(put('nothing of the kind'))).toBeUndefined();
  });

  test('made at run time is found too', () => {
    const secret = plant('a key', `made-up-${crypto.randomUUID()}`);
    expect(findLeak({ of: [secret] })).toBe('a key made here');
  });

  test('in a line of a log fails the test that wrote it', () => {
    collectLog().audit('token.not_given', { message: `refused ${canary('refreshToken')}` });
    watch(new Error(CANARIES.code), 'an error');
    // What the hook in seed.ts asks after each test; taken here, so that this test passes.
    expect(takeLeaks()).toEqual(['a line of the log shows the refreshToken', 'an error shows the code']);
  });

  test('any compact JWS is found', () => {
    const part = Buffer.from('{"alg":"none","x":"padding"}').toString('base64url');
    expect(findLeak(`${part}.${part}.${'A'.repeat(86)}`)).toBe('JWS');
  });
});
