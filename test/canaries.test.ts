import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { inspect } from 'node:util';
import { ZonesError } from '@helseid-zones/protocol/errors';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CANARIES, canary, findLeak, plant, plantKey, takeLeaks, watch } from './canaries.ts';
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
  ['an error’s facts', (error) => new ZonesError('token_refused', 'no', { facts: { status: 400, error } })],
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

  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  // Of this file alone: one of the doubles' may be planted already, under their name.
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  const pem = (key: KeyObject, type: 'pkcs8' | 'sec1' | 'pkcs1') =>
    String(key.export({ format: 'pem', type }));
  const der = (key: KeyObject) => key.export({ format: 'der', type: 'pkcs8' });
  const d = Buffer.from(privateKey.export({ format: 'jwk' }).d ?? '', 'base64url');

  test.each<[string, unknown]>([
    ['its JWK', privateKey.export({ format: 'jwk' })],
    ['PEM, PKCS 8', pem(privateKey, 'pkcs8')],
    ['PEM, SEC 1', pem(privateKey, 'sec1')],
    ['PEM with the line ends of another system', pem(privateKey, 'pkcs8').replaceAll('\n', '\r\n')],
    ['PEM in a member', { key: pem(privateKey, 'pkcs8') }],
    ['PEM in JSON', JSON.stringify({ key: pem(privateKey, 'pkcs8') })],
    ['PEM in JSON in JSON', JSON.stringify(JSON.stringify({ key: pem(privateKey, 'pkcs8') }))],
    ['PEM, RSA, PKCS 1', pem(rsa, 'pkcs1')],
    ['DER', der(privateKey)],
    ['DER, RSA', der(rsa)],
    ['DER in base64', der(privateKey).toString('base64')],
    ['DER in hex', der(privateKey).toString('hex')],
    ['DER in an error’s cause', new Error('no', { cause: { key: new Uint8Array(der(privateKey)) } })],
    ['DER in a map', new Map([['key', { of: der(privateKey) }]])],
    ['DER in JSON', JSON.stringify({ key: der(privateKey) })],
    ['DER as a list', `${[...der(privateKey)]}`],
    ['its bytes as they are inspected', inspect(d)],
  ])('that is a private key is found in %s', (_, shown) => {
    plantKey('a private key', privateKey);
    plantKey('a private key', rsa);
    expect(findLeak(shown)).toBe('a private key made here');
  });

  test('that is a private key is not found in its public key, or another key', () => {
    const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    plantKey('a private key', privateKey);
    for (const form of ['der', 'pem'] as const) {
      expect(
        findLeak({ of: createPublicKey(privateKey).export({ format: form, type: 'spki' } as never) }),
      ).toBe(undefined);
      expect(findLeak(other.export({ format: form, type: 'pkcs8' } as never))).toBe(undefined);
    }
  });

  test('that is too short to be told from anything else is not planted', () => {
    expect(() => plant('a pin', '1234')).toThrow('so short');
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
