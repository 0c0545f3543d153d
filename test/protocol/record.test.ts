import { parseRecord, SEED_RECORD } from '@helseid-zones/protocol/record';
import { expect, test } from 'vitest';

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

test('a record is read as it is', () => {
  const several = { ...record, keys: [old, key] };
  expect(parseRecord(JSON.stringify(several), owner)).toEqual(several);
});

test('the seed is a record without keys that belongs to whom the declaration says', () => {
  expect(parseRecord(SEED_RECORD, owner)).toEqual({ version: 1, ...owner, keys: [] });
  expect(parseRecord(SEED_RECORD, { ...owner, more: 'x' } as typeof owner)).not.toHaveProperty('more');
});

test.each<[string, unknown, RegExp]>([
  ['another version', { ...record, version: 2 }, /version/],
  ['an unknown member', { ...record, privateKey: 'x' }, /privateKey/],
  ['no keys', { version: 1, ...owner }, /keys/],
  ['a key without a state', { ...record, keys: [{ ...key, state: undefined }] }, /state/],
  ['an unknown state', { ...record, keys: [{ ...key, state: 'lost' }] }, /state/],
  ['an RS algorithm', { ...record, keys: [{ ...key, algorithm: 'RS256' }] }, /algorithm/],
  ['a kid that is no thumbprint', { ...record, keys: [{ ...key, kid: 'x' }] }, /kid/],
  ['a key that is no ARN', { ...record, keys: [{ ...key, keyArn: 'alias/x' }] }, /keyArn/],
  ['key material', { ...record, keys: [{ ...key, d: 'x' }] }, /keys\.0\.d/],
  ['a time that is no second', { ...record, keys: [{ ...key, usableUntil: 1.5 }] }, /usableUntil/],
  ['another client', { ...record, client: 'other' }, /client/],
  ['another client id', { ...record, clientId: 'id-2' }, /clientId/],
  ['another issuer', { ...record, issuer: `${owner.issuer}/` }, /issuer/],
  ['keys of nobody', { version: 1, keys: [key] }, /client/],
  ['a key twice', { ...record, keys: [key, { ...key, state: 'retiring' }] }, /twice/],
  ['one ARN under two kids', { ...record, keys: [key, { ...old, keyArn: key.keyArn }] }, /same ARN/],
  [
    'a retiring key without usableUntil',
    { ...record, keys: [{ ...key, state: 'retiring', since: { retiring: 1 } }] },
    /usableUntil/,
  ],
  ['a retired key that is current', { ...record, keys: [{ ...old, state: 'current' }] }, /contradicts/],
  ['a key without a time for its state', { ...record, keys: [{ ...key, since: {} }] }, /no time/],
  ['two current keys', { ...record, keys: [key, { ...key, kid: `A${key.kid.slice(1)}` }] }, /two current/],
])('refused: %s', (_name, value, why) => {
  expect(() => parseRecord(JSON.stringify(value), owner)).toThrow(
    expect.objectContaining({ code: 'record_invalid', message: expect.stringMatching(why) }),
  );
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
