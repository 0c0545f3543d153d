import type { Intent } from '@helseid-zones/protocol/intents';
import { type ClientRecord, KEY_STATES, type KeyEntry, type KeyState } from '@helseid-zones/protocol/record';
import { RETIREMENT_LEEWAY } from '@helseid-zones/protocol/record-states';
import { describe, expect, test } from 'vitest';
import { TRANSACTION_SECONDS } from '../../../functions/login-common/transactions.ts';
import { RECORD_TTL_MS } from '../../../functions/signer/read-record.ts';
import { chooseKey } from '../../../functions/signer/sign-request.ts';
import { coded } from '../../coded.ts';

const NOW = 1_000_000;
const kidOf = (state: string) => state.padEnd(43, 'A');
const keyIn = (state: KeyState, registered: number, changes: Partial<KeyEntry> = {}): KeyEntry => ({
  kid: kidOf(state),
  keyArn: `arn:aws:kms:eu-north-1:111122223333:key/${state}`,
  algorithm: 'ES256',
  state,
  since: { registered },
  ...changes,
});
const recordOf = (...keys: KeyEntry[]): ClientRecord => ({
  version: 1,
  client: 'journal',
  clientId: 'x',
  issuer: 'https://helseid-sts.test.nhn.no',
  keys,
});
const all = recordOf(
  keyIn('created', 0),
  keyIn('registered', 30),
  keyIn('verified', 20),
  keyIn('current', 10),
  keyIn('retiring', 5, { usableUntil: NOW + 60 }),
  keyIn('retired', 1),
);
const assertion: Intent = { kind: 'client_assertion', client: 'journal', issuer: all.issuer };
const proof: Intent = { kind: 'dpop_proof', client: 'journal', method: 'GET', url: 'https://a.no/' };
const requestObject: Intent = { ...assertion, kind: 'request_object', parameters: {} };

test.each([assertion, { ...assertion, key: 'current' } as Intent, proof, requestObject])(
  'without a pin: the current key',
  (intent) => {
    expect(chooseKey(all, intent, NOW * 1000).state).toBe('current');
  },
);

test('the newest is the one registered last, created and retired ones aside', () => {
  const newest: Intent = { ...assertion, key: 'newest' };
  expect(chooseKey(all, newest, NOW * 1000).state).toBe('registered');
  expect(chooseKey(recordOf(keyIn('current', 10), keyIn('created', 99)), newest, NOW * 1000).state).toBe(
    'current',
  );
});

describe.each([
  ['assertion', assertion],
  ['proof', proof],
  ['request object', requestObject],
])('a pinned %s', (_name, intent) => {
  test.each(KEY_STATES)('by a key in state %s', (state) => {
    const choose = () => chooseKey(all, { ...intent, kid: kidOf(state) }, NOW * 1000);
    if (state === 'retired')
      expect(choose).toThrow(coded('key_not_usable', undefined, { kid: kidOf(state) }));
    else expect(choose().state).toBe(state);
  });

  test('by a key that the record does not name', () => {
    // Nor does the error: it may be anything that a caller wrote.
    expect(() => chooseKey(all, { ...intent, kid: kidOf('nobody') }, NOW * 1000)).toThrow(
      expect.objectContaining({ code: 'key_unknown', facts: {} }),
    );
  });
});

test('I9: a retiring key makes proofs until the last token bound to it has expired, and no longer', () => {
  const pinned: Intent = { ...proof, kid: kidOf('retiring') };
  expect(chooseKey(all, pinned, (NOW + 60) * 1000 - 1).state).toBe('retiring');
  // An assertion buys a new token, which another key binds.
  expect(chooseKey(all, { ...assertion, kid: kidOf('retiring') }, (NOW + 60) * 1000).state).toBe('retiring');
  expect(() => chooseKey(all, pinned, (NOW + 60) * 1000)).toThrow(coded('key_not_usable'));
});

test('I9: a login begun just before a rotation ends, and its token lives out, by the same key', () => {
  const clocks = 60;
  expect(RETIREMENT_LEEWAY).toBeGreaterThanOrEqual(TRANSACTION_SECONDS + RECORD_TTL_MS / 1000 + clocks);
});

test.each([assertion, { ...assertion, key: 'newest' } as Intent, proof])(
  'before the first key: not usable',
  (intent) => {
    expect(() => chooseKey(recordOf(keyIn('created', 0)), intent, NOW * 1000)).toThrow(
      coded('key_not_usable'),
    );
  },
);
