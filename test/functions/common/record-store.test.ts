import { type KeyEntry, parseRecord, SEED_RECORD } from '@helseid-zones/protocol/record';
import { addKey, moveKey } from '@helseid-zones/protocol/record-states';
import { describe, expect, test, vi } from 'vitest';
import { type Clock, systemClock } from '../../../functions/common/clock.ts';
import type { SecretsPort } from '../../../functions/common/key-ports.ts';
import { createRecordStore, DRAFT_STAGE } from '../../../functions/common/record-store.ts';
import { coded } from '../../coded.ts';
import { createFakeSecrets, FAKE_SECRET_ARN, type FakeSecrets } from '../../fakes/secrets.ts';

const OWNER = { client: 'journal', clientId: 'id', issuer: 'https://issuer.test' };
const key = (letter: string) => ({
  kid: letter.repeat(43),
  keyArn: `arn:aws:kms:eu-north-1:111122223333:key/${letter}`,
  algorithm: 'ES256' as const,
});

function open(secrets: SecretsPort, clock: Clock = systemClock) {
  const audit = vi.fn();
  return {
    audit,
    store: createRecordStore({ secrets, secretArn: FAKE_SECRET_ARN, owner: OWNER, audit, clock }),
  };
}

/** A clock that stands still but for what is waited for. */
function createClock() {
  let seconds = 1000;
  return {
    now: () => seconds,
    async wait(pause: number) {
      seconds += pause;
    },
  };
}

/** Lets somebody else change the record just before this one's compare-and-swap, `times` times. */
function disturb(secrets: FakeSecrets, times: number, clock?: Clock): SecretsPort {
  let left = times;
  return {
    ...secrets,
    async updateSecretVersionStage(input) {
      if (left > 0) {
        left -= 1;
        await open(secrets, clock).store.change((record) => addKey(record, key(String(left)), 5));
      }
      return secrets.updateSecretVersionStage(input);
    },
  };
}

test('a seed becomes a record that names its owner; AWSPENDING is not touched', async () => {
  const secrets = createFakeSecrets(SEED_RECORD);
  const pending = secrets.beginDryRun();
  const { store, audit } = open(secrets);
  const record = await store.change((before) => addKey(before, key('a'), 1));
  const made = { ...key('a'), state: 'created', since: { created: 1 } };
  expect(record).toEqual({ version: 1, ...OWNER, keys: [made] });
  expect(parseRecord(secrets.textOf(secrets.stages.get('AWSCURRENT')) ?? '', OWNER)).toEqual(record);
  expect(secrets.stages.get('AWSPENDING')).toBe(pending);
  expect(secrets.stages.get(DRAFT_STAGE)).toBe(secrets.stages.get('AWSCURRENT'));
  const facts = { client: 'journal', kid: key('a').kid, from: 'none', to: 'created' };
  expect(audit).toHaveBeenCalledWith('KEY_CREATED', facts);
});

test('a change that changes nothing writes nothing', async () => {
  const secrets = createFakeSecrets(SEED_RECORD);
  const { store, audit } = open(secrets);
  await store.change((record) => record);
  expect(secrets.writes).toBe(0);
  expect(audit).not.toHaveBeenCalled();
});

describe('somebody comes in between', () => {
  test('the change is made anew on what they wrote: neither is lost', async () => {
    const secrets = createFakeSecrets(SEED_RECORD);
    const { store } = open(disturb(secrets, 2));
    const record = await store.change((before) => addKey(before, key('a'), 1));
    expect(record.keys.map(({ kid }) => kid[0]).sort()).toEqual(['0', '1', 'a']);
    expect(await store.read()).toEqual(record);
  });

  test('a change that has become impossible is refused', async () => {
    const secrets = createFakeSecrets(SEED_RECORD);
    await open(secrets).store.change((record) => addKey(record, key('a'), 1));
    let first = true;
    const disturbed: SecretsPort = {
      ...secrets,
      async updateSecretVersionStage(input) {
        if (first) {
          first = false;
          await open(secrets).store.change((record) => moveKey(record, key('a').kid, 'retired', 2));
        }
        return secrets.updateSecretVersionStage(input);
      },
    };
    await expect(
      open(disturbed).store.change((record) => moveKey(record, key('a').kid, 'registered', 3)),
    ).rejects.toThrow(coded('transition_refused'));
  });

  test('who never gets through gives up', async () => {
    const { store } = open(disturb(createFakeSecrets(SEED_RECORD), 10));
    await expect(store.change((record) => addKey(record, key('a'), 1))).rejects.toThrow(
      coded('record_unavailable', 'Others keep changing', { client: 'journal' }),
    );
  });
});

test('an answer that was lost, and a call that the SDK repeated, are no conflict', async () => {
  const secrets = createFakeSecrets(SEED_RECORD);
  const twice: SecretsPort = {
    ...secrets,
    async updateSecretVersionStage(input) {
      await secrets.updateSecretVersionStage(input);
      return secrets.updateSecretVersionStage(input);
    },
  };
  const record = await open(twice).store.change((before) => addKey(before, key('a'), 1));
  expect(record.keys).toHaveLength(1);
  expect(secrets.writes).toBe(1);
});

test.each<[string, Partial<KeyEntry>]>([
  ['a contradiction', { state: 'retiring', since: { retiring: 1 } }],
  ['a negative time', { expires: -62_135_596_800 }],
  ['a time that is no number', { expires: Number.NaN }],
  ['a field that the schema does not know', { note: 'x' } as object],
])('a record with %s is not written', async (_, change) => {
  const secrets = createFakeSecrets(SEED_RECORD);
  const entry: KeyEntry = { ...key('a'), state: 'created', since: { created: 1 }, ...change };
  await expect(open(secrets).store.change((record) => ({ ...record, keys: [entry] }))).rejects.toThrow(
    coded('record_invalid'),
  );
  expect(secrets.writes).toBe(0);
});

test('other errors of Secrets Manager come through as they are', async () => {
  const secrets = createFakeSecrets(SEED_RECORD);
  const refusing: SecretsPort = {
    ...secrets,
    updateSecretVersionStage: () =>
      Promise.reject(Object.assign(new Error('x'), { name: 'AccessDeniedException' })),
  };
  await expect(open(refusing).store.change((record) => addKey(record, key('a'), 1))).rejects.toThrow(
    expect.objectContaining({ name: 'AccessDeniedException' }),
  );
});

test('a record without text is refused, with what to do', async () => {
  const empty: SecretsPort = {
    ...createFakeSecrets(SEED_RECORD),
    getSecretValue: async () => ({ VersionId: 'v', $metadata: {} }),
  };
  await expect(open(empty).store.read()).rejects.toThrow(coded('record_invalid', 'docs/keys.md'));
});

describe('Secrets Manager answers from before a change', () => {
  const changeAll = async (settling: number, conflict = false) => {
    const clock = createClock();
    const secrets = createFakeSecrets(SEED_RECORD, clock.now);
    const { store } = open(conflict ? disturb(secrets, 1, clock) : secrets, clock);
    const first = secrets.stages.get('AWSCURRENT') ?? '';
    secrets.settling = settling;
    const record = await store.change((before) => addKey(before, key('a'), 1));
    return { clock, secrets, store, record, first, after: clock.now() };
  };

  test.each([false, true])('it is asked until it has heard (with a conflict: %s)', async (conflict) => {
    const { store, record, clock, after } = await changeAll(5, conflict);
    expect(await store.read()).toEqual(record);
    expect(clock.now() - after).toBeLessThanOrEqual(6);
    if (!conflict) expect(clock.now() - after).toBe(6);
  });

  test('after a minute it is the truth: somebody has put the older version back', async () => {
    const { store, secrets, clock, after, first } = await changeAll(0);
    secrets.move('AWSCURRENT', first);
    expect((await store.read()).keys).toEqual([]);
    expect(clock.now() - after).toBe(60);
    expect((await store.read()).keys).toEqual([]);
    expect(clock.now() - after).toBe(60);
  });
});

test.each([
  ['client id', { clientId: 'before' }],
  ['issuer', { issuer: 'https://before.test' }],
])('another %s is the declared owner’s with the first change, and only that is told', async (_, changed) => {
  const before = { version: 1, ...OWNER, ...changed };
  const keys = [{ ...key('b'), state: 'retired', since: { created: 1, retired: 1 } }];
  const secrets = createFakeSecrets(JSON.stringify({ ...before, keys }));
  const { store, audit } = open(secrets);
  expect(await store.change((record) => record)).toEqual({ version: 1, ...OWNER, keys });
  expect(audit.mock.calls).toEqual([['RECORD_OWNER_CHANGED', { ...OWNER, from: before.clientId }]]);
});
