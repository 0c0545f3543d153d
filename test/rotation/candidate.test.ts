import { addKey, moveKey } from '@helseid-zones/protocol/record-states';
import { describe, expect, test } from 'vitest';
import { readClientKey } from '../../functions/common/client-keys.ts';
import { STEPS } from '../../functions/rotation/steps.ts';
import type { KeyStatus } from '../../local/aws/kms/keys.ts';
import { coded } from '../coded.ts';
import { createWorld, startWithKey, type World } from './world.ts';

const rows = (world: World) =>
  world.record().keys.map(({ keyArn, state }) => `${state} ${world.kms.keys.get(keyArn)?.status}`);

async function started(): Promise<World> {
  const world = createWorld();
  await startWithKey(world);
  return world;
}

/** A key with this client's tags that no record names. */
async function makeOrphan(world: World, spec: string, status: KeyStatus, policy?: string): Promise<void> {
  const { KeyMetadata } = await world.kms.createKey({
    // The local KMS makes none that the product has no algorithm for; it then says that it is of that kind.
    KeySpec: spec === 'RSA_2048' ? 'ECC_NIST_P256' : (spec as 'RSA_3072'),
    KeyUsage: 'SIGN_VERIFY',
    Policy: world.rotation().policyOf(spec === 'RSA_3072' ? 'PS256' : 'ES256'),
    Tags: ['system', 'client'].map((tag) => ({ TagKey: `helseid-zones:${tag}`, TagValue: 'journal' })),
  });
  const key = world.kms.keys.get(KeyMetadata?.Arn ?? '');
  if (key) Object.assign(key, { status, spec, ...(policy ? { policy } : {}) });
}

/** Runs createSecret, and tells what it audits. */
async function create(world: World): Promise<[string, object][]> {
  const lines: [string, object][] = [];
  const audit = (code: string, facts: object) => void lines.push([code, facts]);
  await STEPS.createSecret({ ...world.rotation(), audit }, world.secrets.beginRotation());
  return lines;
}

const CURRENT = 'current Enabled';
const OTHER_POLICY = '{"Version":"2012-10-17","Statement":[]}';

describe('a key of the client outside its record', () => {
  test.each<[string, string, KeyStatus, string[], number, string?]>([
    ['fits', 'ECC_NIST_P256', 'Enabled', ['created Enabled'], 2],
    ['is disabled', 'ECC_NIST_P256', 'Disabled', ['created Enabled'], 2],
    ['is being deleted', 'ECC_NIST_P256', 'PendingDeletion', ['created Enabled'], 3],
    ['is of another algorithm', 'RSA_3072', 'Enabled', ['retired Disabled', 'created Enabled'], 3],
    ['is of a kind that can not sign here', 'RSA_2048', 'Enabled', ['created Enabled'], 3],
    [
      'has another policy',
      'ECC_NIST_P256',
      'Enabled',
      ['retired Disabled', 'created Enabled'],
      3,
      OTHER_POLICY,
    ],
  ])('%s', async (_, spec, status, expected, size, policy) => {
    const world = await started();
    await makeOrphan(world, spec, status, policy);
    const lines = await create(world);
    expect(rows(world)).toEqual([CURRENT, ...expected]);
    expect(world.kms.keys.size).toBe(size);
    const [, { kid, algorithm } = {}] = world.record().keys;
    expect(lines.filter(([code]) => code === 'KEY_UNFIT')).toEqual(
      expected.length > 1 ? [['KEY_UNFIT', { client: 'journal', kid, algorithm }]] : [],
    );
    const [orphan] = [...world.kms.keys.values()].slice(1);
    if (status === 'PendingDeletion') expect(orphan?.status).toBe(status);
  });

  test('retires where another is on its way', async () => {
    const world = await started();
    for (const _ of [1, 2]) await makeOrphan(world, 'ECC_NIST_P256', 'Enabled');
    await create(world);
    expect(rows(world)).toEqual([CURRENT, 'created Enabled', 'retired Disabled']);
  });
});

const changePolicy = (world: World) => {
  world.policy.template = world.policy.template.replace('Sign"', 'Changed"');
};

/** From now on KMS does not know a key. */
const forget = (world: World, arn = '') => {
  const key = world.kms.keys.get(arn);
  if (key) key.created = Number.POSITIVE_INFINITY;
  world.kms.settling = 1;
};

/** As another rotation may do at any time. */
const register = async (world: World) => {
  const { store, clock } = world.rotation();
  const kid = world.record().keys[1]?.kid ?? '';
  await store.change((record) => moveKey(record, kid, 'registered', clock.now()));
};

describe('a key that is on its way', () => {
  test.each<[string, (world: World, arn: string) => unknown, string[]]>([
    [
      'and registered is taken up again, whatever its policy is',
      async (world) => {
        changePolicy(world);
        await register(world);
      },
      ['registered Enabled'],
    ],
    [
      'and registered while it is judged is taken up again',
      (world) => {
        changePolicy(world);
        const { getKeyPolicy } = world.kms;
        world.kms.getKeyPolicy = async (input) => {
          await register(world);
          return getKeyPolicy(input);
        };
      },
      ['registered Enabled'],
    ],
    [
      'and gone for longer than KMS takes is given up',
      async (world, arn) => {
        await world.skip(8 * 86_400);
        forget(world, arn);
      },
      ['retired Enabled', 'created Enabled'],
    ],
    ['is taken up again', () => {}, ['created Enabled']],
    ['and disabled is enabled', ({ kms }, arn) => kms.setState(arn, 'Disabled'), ['created Enabled']],
    [
      'and being deleted is given up',
      ({ kms }, arn) => kms.setState(arn, 'PendingDeletion'),
      ['retired PendingDeletion', 'created Enabled'],
    ],
    ['with another policy is given up', changePolicy, ['retired Disabled', 'created Enabled']],
  ])('%s', async (_, change, expected) => {
    const world = await started();
    await create(world);
    await change(world, world.record().keys[1]?.keyArn ?? '');
    world.secrets.move('AWSPENDING', world.secrets.stages.get('AWSCURRENT') ?? '');
    await create(world);
    expect(rows(world)).toEqual([CURRENT, ...expected]);
  });
});

test('a key that KMS does not know, and can not have deleted yet, ends the rotation', async () => {
  const world = await started();
  await create(world);
  world.secrets.move('AWSPENDING', world.secrets.stages.get('AWSCURRENT') ?? '');
  const [, key] = world.record().keys;
  forget(world, key?.keyArn);
  const error = await create(world).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'rotation_failed', message: expect.stringContaining('not show') });
  expect(error).toHaveProperty('facts', { client: 'journal', kid: key?.kid });
  expect(world.record().keys[1]?.state).toBe('created');
});

describe('a new key', () => {
  test('with another policy than it was made with ends the rotation', async () => {
    const world = await started();
    world.kms.bendPolicy = () => OTHER_POLICY;
    const error = await create(world).catch((thrown: unknown) => thrown);
    const [, key] = world.record().keys;
    expect(error).toMatchObject({
      code: 'rotation_failed',
      message: expect.stringContaining('PutKeyPolicy'),
    });
    expect(error).toHaveProperty('facts', { client: 'journal', key: key?.keyArn });
    expect(rows(world)).toEqual([CURRENT, 'retired Disabled']);
  });

  test('that KMS does not show is left to the next rotation', async () => {
    const world = await started();
    const { createKey } = world.kms;
    world.kms.createKey = async (input) => {
      const made = await createKey(input);
      world.kms.setState(made.KeyMetadata?.Arn ?? '', 'PendingDeletion');
      return made;
    };
    const error = await create(world).catch((thrown: unknown) => thrown);
    const [, key] = [...world.kms.keys.keys()];
    expect(error).toMatchObject({ code: 'rotation_failed', message: expect.stringContaining('not show') });
    expect(error).toHaveProperty('facts', { client: 'journal', key });
  });

  test('that was retired while it was made ends the rotation', async () => {
    const world = await started();
    const { getKeyPolicy } = world.kms;
    world.kms.getKeyPolicy = async (input) => {
      const { store, clock } = world.rotation();
      const key = await readClientKey(world.kms, { keyArn: input.KeyId ?? '', algorithm: 'ES256' });
      await store.change((record) => addKey(record, key, clock.now(), 'retired'));
      return getKeyPolicy(input);
    };
    await expect(create(world)).rejects.toThrow(coded('rotation_failed', 'retired'));
  });
});
