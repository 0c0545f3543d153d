import { ZonesError } from '@helseid-zones/protocol/errors';
import { RETIREMENT_LEEWAY } from '@helseid-zones/protocol/record-states';
import { calculateJwkThumbprint, type JWK } from 'jose';
import { describe, expect, test } from 'vitest';
import { STEPS } from '../../functions/rotation/steps.ts';
import { coded } from '../coded.ts';
import { awsError } from '../fakes/in-process.ts';
import { FAKE_SECRET_ARN } from '../fakes/secrets.ts';
import { createWorld, readJwk, startWithKey, type World, type WorldOptions } from './world.ts';

type StepName = keyof typeof STEPS;

const ALL = ['createSecret', 'setSecret', 'testSecret', 'finishSecret'] as const;
const states = (world: World) => world.record().keys.map(({ state }) => state);
const statuses = (world: World) =>
  world.record().keys.map(({ keyArn }) => world.kms.keys.get(keyArn)?.status);

/** A client with a current key, and a rotation of it that has taken these steps. */
async function rotateUntil(steps: readonly StepName[], options?: WorldOptions) {
  const world = createWorld(options);
  await startWithKey(world);
  const token = world.secrets.beginRotation();
  const first = world.secrets.stages.get('AWSCURRENT') ?? '';
  const calls: string[] = [];
  const lines: [string, object][] = [];
  const rotation = () => ({
    ...world.rotation({
      guard: (name, call) => {
        calls.push(name);
        return call();
      },
    }),
    audit: (code: string, facts: object) => void lines.push([code, facts]),
  });
  const run = (step: StepName, change = {}) => STEPS[step]({ ...rotation(), ...change }, token);
  for (const step of steps) await run(step);
  calls.length = 0;
  const kid = world.record().keys[1]?.kid ?? '';
  return { world, token, first, calls, lines, kid, rotation, run };
}

test.each<[StepName, readonly StepName[]]>([
  ['createSecret', ALL.slice(0, 1)],
  ['testSecret', ALL.slice(0, 1)],
  ['setSecret', ALL.slice(0, 3)],
  ['testSecret', ALL.slice(0, 3)],
  ...ALL.map((step): [StepName, readonly StepName[]] => [step, ALL]),
])('%s has nothing to do after %s', async (step, done) => {
  const { world, calls, run } = await rotateUntil(done);
  const before = JSON.stringify(world.record());
  await run(step);
  expect(JSON.stringify(world.record())).toBe(before);
  expect(calls.filter((call) => !/^secrets:(?:Get|Describe)/.test(call))).toEqual([]);
});

test('createSecret has nothing to do for a key that has been current and is retired', async () => {
  const { world, run } = await rotateUntil(ALL);
  await world.rotate();
  await world.skip(600 + RETIREMENT_LEEWAY);
  await world.watch();
  expect(states(world)).toEqual(['retired', 'retired', 'current']);
  await run('createSecret');
  expect(states(world)).toEqual(['retired', 'retired', 'current']);
});

test('a rotation records the public half of the key that it makes, for as long as that may sign', async () => {
  const { world, kid } = await rotateUntil(ALL);
  const brought = () => world.record().keys.map(({ publicKey }) => publicKey);
  // The first one was made by the release before.
  const [first, second] = brought();
  expect(first).toBeUndefined();
  expect(second).toEqual(expect.objectContaining({ kty: 'EC', crv: 'P-256' }));
  expect(await calculateJwkThumbprint(second as JWK)).toBe(kid);
  await world.rotate();
  expect(brought()).toEqual([undefined, second, expect.any(Object)]);
  await world.skip(600 + RETIREMENT_LEEWAY);
  await world.watch();
  expect(states(world)).toEqual(['retired', 'retired', 'current']);
  expect(brought()).toEqual([undefined, undefined, expect.any(Object)]);
});

test('no key is registered that KMS has another in the place of', async () => {
  const { world, run } = await rotateUntil(['createSecret']);
  const [current, candidate] = world.record().keys.map(({ keyArn }) => world.kms.keys.get(keyArn));
  const { publicDer = '' } = current ?? {};
  if (candidate) candidate.publicDer = publicDer;
  const listed = world.helseId.keys.length;
  await expect(run('setSecret')).rejects.toMatchObject({ code: 'record_invalid' });
  expect(world.helseId.keys.length).toBe(listed);
});

describe.each(ALL)('%s', (step) => {
  test('of a rotation whose key the record has lost is waited for, and fails', async () => {
    const { world, first, kid, run } = await rotateUntil(['createSecret']);
    world.secrets.move('AWSCURRENT', first);
    const began = world.now();
    const ends = step === 'createSecret';
    const error = ends
      ? { code: 'rotation_failed', message: expect.stringContaining('lost'), facts: { client: 'journal' } }
      : { code: 'key_unknown', facts: { kid } };
    await expect(run(step)).rejects.toThrow(expect.objectContaining(error));
    expect(world.now() - began).toBeGreaterThan(50);
    expect(world.secrets.stages.has('AWSPENDING')).toBe(!ends);
  });

  test('of a plan that may not be read fails at once', async () => {
    const { world, token, run } = await rotateUntil(['createSecret']);
    const { getSecretValue } = world.secrets;
    // createSecret reads it twice.
    let readable = step === 'createSecret' ? 1 : 0;
    world.secrets.getSecretValue = async (input) => {
      if (input.VersionId === token && readable-- <= 0) throw awsError('AccessDeniedException');
      return getSecretValue(input);
    };
    const began = world.now();
    await expect(run(step)).rejects.toMatchObject({ name: 'AccessDeniedException' });
    expect(world.now()).toBe(began);
    expect(world.secrets.stages.get('AWSPENDING')).toBe(token);
  });
});

test.each([
  ['no JSON', 'x'],
  ['another plan', JSON.stringify({ version: 1, plan: 'other', kid: 'k' })],
  ['no kid', JSON.stringify({ version: 1, plan: 'rotation' })],
])('a pending version that is %s is no plan: the dry run reads the record', async (_, SecretString) => {
  const { world, token, run } = await rotateUntil([]);
  await world.secrets.putSecretValue({
    SecretId: FAKE_SECRET_ARN,
    ClientRequestToken: token,
    SecretString,
    VersionStages: ['AWSPENDING'],
  });
  await run('testSecret');
  await expect(run('setSecret')).rejects.toThrow(coded('rotation_failed'));
  await world.secrets.putSecretValue({ SecretId: FAKE_SECRET_ARN, SecretString: '{}' });
  await expect(run('testSecret')).rejects.toThrow(coded('record_invalid'));
});

describe('createSecret', () => {
  test.each<[string, 'current' | 'lost' | 'error', object | undefined]>([
    ['names a key that is live', 'current', undefined],
    ['names a key that is lost', 'lost', { code: 'rotation_failed' }],
    ['is there no place for', 'error', { name: 'InternalServiceError' }],
  ])('goes by the plan of another invocation, which %s', async (_, other, error) => {
    const { world, token, run } = await rotateUntil([]);
    const { putSecretValue } = world.secrets;
    const stages: unknown[] = [];
    world.secrets.putSecretValue = async (input) => {
      if (input.ClientRequestToken !== token) return putSecretValue(input);
      stages.push(input.VersionStages);
      if (other === 'error') throw awsError('InternalServiceError', 500);
      const kid = other === 'current' ? world.record().keys[0]?.kid : other;
      await putSecretValue({ ...input, SecretString: JSON.stringify({ version: 1, plan: 'rotation', kid }) });
      return putSecretValue(input);
    };
    if (error) await expect(run('createSecret')).rejects.toMatchObject(error);
    else await run('createSecret');
    expect(stages).toEqual([['AWSPENDING']]);
    expect(world.secrets.stages.has('AWSPENDING')).toBe(other !== 'lost');
  });

  test('enables the keys in use that are disabled, and no others', async () => {
    const { world, calls, rotation } = await rotateUntil(ALL);
    await world.skip(600 + RETIREMENT_LEEWAY);
    await world.watch();
    await world.rotate();
    expect(states(world)).toEqual(['retired', 'retiring', 'current']);
    for (const key of world.kms.keys.values()) key.status = 'Disabled';
    await STEPS.createSecret(rotation(), world.secrets.beginRotation());
    expect(states(world)).toEqual(['retired', 'retiring', 'current', 'created']);
    expect(statuses(world)).toEqual(['Disabled', 'Enabled', 'Enabled', 'Enabled']);
    expect(calls.filter((call) => call === 'kms:EnableKey')).toHaveLength(2);
  });

  test('ends a plan whose key is retired', async () => {
    const { world, kid, run } = await rotateUntil(['createSecret']);
    await world.rotation().store.change((record) => ({
      ...record,
      keys: record.keys.map((key) =>
        key.kid === kid ? { ...key, state: 'retired', since: { ...key.since, retired: world.now() } } : key,
      ),
    }));
    await expect(run('createSecret')).rejects.toMatchObject({
      code: 'rotation_failed',
      message: expect.stringContaining('retired'),
      facts: { client: 'journal', kid },
    });
    expect(world.secrets.stages.has('AWSPENDING')).toBe(false);
    expect((await world.rotate()).error).toBeUndefined();
    expect(states(world)).toEqual(['retiring', 'retired', 'current']);
  });
});

describe('setSecret', () => {
  test.each([
    [503, 'self_service_unreachable'],
    [403, 'self_service_refused'],
  ])('of a key that a person has registered goes on where the API answers %i', async (status, reason) => {
    const { world, kid, lines, run } = await rotateUntil(['createSecret']);
    world.helseId.answerSelfService = async () => Response.json({}, { status });
    await expect(run('setSecret')).rejects.toThrow(coded(reason));
    world.helseId.registerByHand(await readJwk(world, kid));
    await run('setSecret');
    expect(lines).toContainEqual(['KEY_REGISTERED_BY_HAND', { client: 'journal', kid, reason }]);
  });

  test.each(['key_not_usable', 'kms_unavailable'] as const)(
    'of an accepted key ends well, though the signer says %s of the current one, only where that is lost',
    async (code) => {
      const { world, kid, lines, run } = await rotateUntil(['createSecret']);
      const lost = code === 'key_not_usable';
      const fail = () => Promise.reject(new ZonesError(code, 'no'));
      const selfService = () => ({ listKeys: fail, registerKey: fail });
      const done = run('setSecret', { helseId: { proveKey: async () => {}, selfService } });
      if (lost) await done;
      else await expect(done).rejects.toMatchObject({ code: 'rotation_failed', facts: { reason: code } });
      expect(lines.filter(([line]) => line === 'KEY_REGISTERED_BY_HAND')).toEqual(
        lost ? [['KEY_REGISTERED_BY_HAND', { client: 'journal', kid, reason: code }]] : [],
      );
      expect(states(world)).toEqual(['current', 'registered']);
    },
  );

  test('does not take an expiry that can not be noted for a person’s work', async () => {
    const { world, lines, run } = await rotateUntil(['createSecret']);
    const { putSecretValue } = world.secrets;
    world.secrets.putSecretValue = async (input) => {
      if (input.SecretString?.includes('"expires"')) throw awsError('InternalServiceError', 500);
      return putSecretValue(input);
    };
    await expect(run('setSecret')).rejects.toMatchObject({ name: 'InternalServiceError' });
    expect(lines.map(([code]) => code)).not.toContain('KEY_REGISTERED_BY_HAND');
  });

  test.each([
    ['key_unknown', undefined],
    ['key_not_usable', undefined],
    ['kms_unavailable', 'kms_unavailable'],
  ] as const)('asks again where the signer says %s of a new key: %s', async (code, thrown) => {
    const { world, rotation, run } = await rotateUntil(['createSecret'], { selfRegistering: false });
    let failures = 2;
    const proveKey = async () => {
      if (failures-- > 0) throw new ZonesError(code, 'not yet');
    };
    const done = run('setSecret', { helseId: { ...rotation().helseId, proveKey } });
    if (thrown) await expect(done).rejects.toThrow(coded(thrown));
    else await done;
    expect(states(world)).toEqual(['current', thrown ? 'created' : 'registered']);
  });

  test('says which key waits for a person', async () => {
    const { lines, kid } = await rotateUntil(['createSecret', 'setSecret'], { selfRegistering: false });
    expect(lines).toContainEqual(['ROTATION_WAITS_FOR_REGISTRATION', { client: 'journal', kid }]);
  });
});

describe('testSecret', () => {
  test.each([
    [0, 2, 20],
    [19, 2, 1],
    [20, 1, 0],
  ])('%i s after the registration: %i proofs, %i s waited', async (passed, proofs, waited) => {
    const { world, rotation, run } = await rotateUntil(['createSecret', 'setSecret'], { propagation: 20 });
    await world.skip(passed);
    const began = world.now();
    const proved: unknown[][] = [];
    const proveKey = async (...what: unknown[]) => void proved.push(what);
    await run('testSecret', { helseId: { ...rotation().helseId, proveKey } });
    expect(proved).toEqual(Array.from({ length: proofs }, () => [world.record().keys[1]?.kid, 'ES256']));
    expect(world.now() - began).toBe(waited);
    expect(states(world)).toEqual(['current', 'verified']);
  });

  test.each([
    [0, 'registered'],
    [1, 'verified'],
  ])('of a key that expires in %i s leaves it %s', async (seconds, state) => {
    const { world, kid, run } = await rotateUntil(['createSecret', 'setSecret']);
    const expires = world.now() + seconds;
    await world.rotation().store.change((record) => ({
      ...record,
      keys: record.keys.map((key) => (key.kid === kid ? { ...key, expires } : key)),
    }));
    const done = run('testSecret');
    if (state === 'verified') await done;
    else await expect(done).rejects.toMatchObject({ code: 'rotation_failed', facts: { kid, expires } });
    expect(states(world)).toEqual(['current', state]);
  });
});

describe('finishSecret', () => {
  test.each([
    ['InvalidParameterException', 'gone', undefined],
    ['InvalidParameterException', 'there', 'InvalidParameterException'],
    ['InternalServiceError', 'gone', 'InternalServiceError'],
  ])('is refused by %s while AWSPENDING is %s: %s', async (name, pending, thrown) => {
    const { world, run } = await rotateUntil(ALL.slice(0, 3));
    const { updateSecretVersionStage } = world.secrets;
    world.secrets.updateSecretVersionStage = async (input) => {
      if (input.VersionStage !== 'AWSPENDING') return updateSecretVersionStage(input);
      if (pending === 'gone') await updateSecretVersionStage(input);
      throw awsError(name);
    };
    if (thrown) await expect(run('finishSecret')).rejects.toMatchObject({ name: thrown });
    else await run('finishSecret');
    expect(states(world)).toEqual(['retiring', 'current']);
    const [old] = world.record().keys;
    expect(old?.usableUntil).toBe((old?.since.retiring ?? 0) + 600 + RETIREMENT_LEEWAY);
  });

  test.each([
    [['createSecret'], {}, 'created'],
    [['createSecret', 'setSecret'], {}, 'registered'],
    [['createSecret', 'setSecret'], { selfRegistering: false }, 'registered'],
  ] as const)('after %s (%j) does not end the rotation: the key is %s', async (done, options, state) => {
    const { world, token, kid, run } = await rotateUntil(done.slice(0, 1), options);
    world.helseId.registerByHand(await readJwk(world, kid));
    for (const step of done.slice(1)) await run(step);
    const failed = { code: 'rotation_failed', facts: { kid, state } };
    await expect(run('finishSecret')).rejects.toMatchObject(failed);
    expect(world.secrets.stages.get('AWSPENDING')).toBe(token);
  });

  test('ends it where a person is waited for', async () => {
    const { world, run } = await rotateUntil(['createSecret', 'setSecret'], { selfRegistering: false });
    await run('finishSecret');
    expect(states(world)).toEqual(['current', 'created']);
    expect(world.secrets.stages.has('AWSPENDING')).toBe(false);
  });

  test('does not end a rotation whose plan it can not read', async () => {
    const { world, token, run } = await rotateUntil([]);
    await expect(run('finishSecret')).rejects.toThrow(coded('rotation_failed'));
    expect(world.secrets.stages.get('AWSPENDING')).toBe(token);
  });
});
