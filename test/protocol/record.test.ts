import { createHash, generateKeyPairSync } from 'node:crypto';
import { parseGrant } from '@helseid-zones/protocol/grant';
import { parseRecord, SEED_RECORD } from '@helseid-zones/protocol/record';
import { expect, test } from 'vitest';
import { CANARIES, findLeak } from '../canaries.ts';
import { coded } from '../coded.ts';

const owner = { client: 'journal', clientId: 'id-1', issuer: 'https://helseid-sts.test.nhn.no' };
const key = {
  kid: 'n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg',
  keyArn: 'arn:aws:kms:eu-north-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab',
  algorithm: 'ES256',
  state: 'current',
  since: { created: 1, registered: 2, verified: 3, current: 4 },
};
const old = {
  ...key,
  kid: `B${key.kid.slice(1)}`,
  keyArn: `${key.keyArn.slice(0, -1)}c`,
  state: 'retired',
  since: { created: 1, retiring: 2, retired: 4 },
  usableUntil: 3,
};
const record = { version: 1, ...owner, keys: [key] };

const withKey = (changes: object, of: object = key) => ({ ...record, keys: [{ ...of, ...changes }] });
const since = (times: object) => withKey({ since: { ...key.since, ...times } });

test('a record is read as it is', () => {
  const several = { ...record, keys: [old, key] };
  expect(parseRecord(JSON.stringify(several), owner)).toEqual(several);
});

const sha256 = (text: string) => createHash('sha256').update(text).digest('base64url');

/** RFC 7638 3.1's example, and its thumbprint. */
const brought = {
  kid: 'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs',
  publicKey: {
    kty: 'RSA',
    n: '0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw',
    e: 'AQAB',
  },
};

test.each<[string, object]>([
  ['its public half', brought],
  ...['P-256', 'P-384', 'P-521'].map((crv): [string, object] => {
    const publicKey = generateKeyPairSync('ec', { namedCurve: crv }).publicKey.export({ format: 'jwk' });
    const { kty, x, y } = publicKey;
    const algorithm = { 'P-256': 'ES256', 'P-384': 'ES384', 'P-521': 'ES512' }[crv];
    return [
      `its public half, ${crv}`,
      { publicKey, algorithm, kid: sha256(JSON.stringify({ crv, kty, x, y })) },
    ];
  }),
  ['a partition of its own', { keyArn: 'arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/mrk-1' }],
  ['everything known of it', { expires: 0, draft: 'id-2' }],
  ['two states reached in one second', { since: { created: 1, registered: 1, verified: 3, current: 3 } }],
  [
    'every state behind it, and no second to retire in',
    {
      state: 'retired',
      since: { created: 0, registered: 1, verified: 2, current: 3, retiring: 4, retired: 5 },
      usableUntil: 4,
    },
  ],
])('a key is read with %s', (_name, changes) => {
  const changed = withKey(changes);
  expect(parseRecord(JSON.stringify(changed), owner)).toEqual(changed);
});

test('the seed is a record without keys that belongs to whom the declaration says', () => {
  expect(parseRecord(SEED_RECORD, owner)).toEqual({ version: 1, ...owner, keys: [] });
  expect(parseRecord(SEED_RECORD, { ...owner, more: 'x' } as typeof owner)).not.toHaveProperty('more');
});

test.each<[string, unknown, RegExp]>([
  ...[0, '1', '2', 1.5, null].map((version): [string, unknown, RegExp] => [
    `version ${version}`,
    { ...record, version },
    /version/,
  ]),
  ['the public half of another key', withKey({ ...brought, kid: key.kid }), /another key/],
  ['a private key', withKey({ ...brought, publicKey: { ...brought.publicKey, d: 'x' } }), /publicKey/],
  ['an unknown member', { ...record, privateKey: 'x' }, /privateKey/],
  ['no keys', { version: 1, ...owner }, /keys/],
  ['a key without a state', withKey({ state: undefined }), /state/],
  ['an unknown state', withKey({ state: 'lost' }), /state/],
  ['an RS algorithm', withKey({ algorithm: 'RS256' }), /algorithm/],
  ['a kid that is no thumbprint', withKey({ kid: 'x' }), /kid/],
  ['a kid with something behind', withKey({ kid: `${key.kid}x` }), /kid/],
  ['a kid behind something', withKey({ kid: `x${key.kid}` }), /kid/],
  ...[
    `x${key.keyArn}`,
    `${key.keyArn}/x`,
    key.keyArn.replace('aws', 'AWS'),
    key.keyArn.replace('kms', 's3'),
    key.keyArn.replace('eu-north-1', 'eu_north'),
    key.keyArn.replace('1111', '111'),
    key.keyArn.replace('1111', '111a'),
    key.keyArn.replace(/key.*/, 'key/'),
    key.keyArn.replace('1234', '12_4'),
  ].map((keyArn): [string, unknown, RegExp] => [
    `the ARN ${keyArn}`,
    withKey({ keyArn }),
    /\(keys\.0\.keyArn\)/,
  ]),
  ...['created', 'registered', 'verified', 'current', 'retiring', 'retired'].map(
    (state): [string, unknown, RegExp] => [
      ...([`no second of ${state}`, since({ [state]: 0.5 }), new RegExp(`since\\.${state}`)] as const),
    ],
  ),
  ['an unknown time that objects have anyway', since({ constructor: 5 }), /keys\.0\.since/],
  ['an unknown time', since({ lost: 5 }), /since\.lost/],
  ['an expiry that is no second', withKey({ expires: -1 }), /expires/],
  ['a draft of nobody', withKey({ draft: '' }), /draft/],
  ['null', null, /the whole/],
  ['a list', [record], /the whole|version/],
  ['keys that are none', { ...record, keys: null }, /keys/],
  ['a seed of another client id', { version: 1, clientId: 'id-2', keys: [] }, /clientId/],
  ['a time of a state to come', since({ retired: 9 }), /has not reached/],
  ['times out of order', since({ verified: 1 }), /before the one before/],
  ['an end before it began', withKey({ usableUntil: 1 }, old), /usableUntil that is not after/],
  ['an end of a key in use', withKey({ usableUntil: 9 }), /usableUntil that is not after/],
  ['a key that is no ARN', withKey({ keyArn: 'alias/x' }), /keyArn/],
  ['key material', withKey({ d: 'x' }), /keys\.0\.d/],
  ['a time that is no second', withKey({ usableUntil: 1.5 }), /usableUntil/],
  ['another client', { ...record, client: 'other' }, /client/],
  ['another client id', { ...record, clientId: 'id-2' }, /clientId/],
  ['another issuer', { ...record, issuer: `${owner.issuer}/` }, /issuer/],
  ['keys of nobody', { version: 1, keys: [key] }, /client/],
  ['a key twice', { ...record, keys: [key, { ...key, state: 'retiring' }] }, /twice/],
  ['one ARN under two kids', { ...record, keys: [key, { ...old, keyArn: key.keyArn }] }, /same ARN/],
  ['a retiring key without its end', withKey({ state: 'retiring', since: { retiring: 1 } }), /usableUntil/],
  ['a retired key that is current', withKey({ state: 'current' }, old), /contradicts/],
  ['a key without a time for its state', withKey({ since: {} }), /no time/],
  ['two current keys', { ...record, keys: [key, { ...key, kid: `A${key.kid.slice(1)}` }] }, /two current/],
])('refused: %s', (_name, value, why) => {
  expect(() => parseRecord(JSON.stringify(value), owner)).toThrow(coded('record_invalid', why));
});

test('of a newer release: not even its owner is looked at', () => {
  const newer = JSON.stringify({ version: 2, keys: [], owner: {} });
  expect(() => parseRecord(newer, owner)).toThrow(coded('version_unknown', undefined, { version: 2 }));
});

test('refused without being repeated: what is not JSON', () => {
  try {
    parseRecord('{"secret', owner);
    expect.unreachable();
  } catch (error) {
    expect(error).toMatchObject({ code: 'record_invalid' });
    expect(error).not.toHaveProperty('cause');
    expect(String(error)).not.toContain('secret"');
  }
});

test.each(['record', 'key', 'times'])(
  'the name of a field that a %s does not have is not repeated',
  (where) => {
    const more = { [CANARIES.privateKey]: '' };
    const inKey = where === 'times' ? { since: { ...key.since, ...more } } : more;
    const whole = where === 'record' ? { ...record, ...more } : withKey(inKey);
    const text = JSON.stringify(whole);
    expect(() => parseRecord(text, owner)).toThrow(coded('record_invalid'));
    expect(findLeak(failureOf(() => parseRecord(text, owner)))).toBeUndefined();
    expect(findLeak(failureOf(() => parseGrant(text)))).toBeUndefined();
  },
);

function failureOf(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    return error;
  }
}
