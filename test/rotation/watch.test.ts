import { RETIREMENT_LEEWAY } from '@helseid-zones/protocol/record-states';
import { describe, expect, test } from 'vitest';
import { isRotationDue, runChecks } from '../../functions/key-watch/checks.ts';
import { KEY_ALARMS } from '../../infra/alarm-kinds.ts';
import { bootstrap, createWorld, findLeftovers, type World, type WorldOptions } from './world.ts';

const DAY = 86_400;
const CALM = {
  WatchFailed: 0,
  KeysNotUsable: 0,
  UnknownKeys: 0,
  SurplusKeys: 0,
  PolicyDrift: 0,
  RotationStuck: 0,
};
const states = (world: World) => world.record().keys.map(({ state }) => state);

async function started(options: WorldOptions = {}): Promise<World> {
  const world = createWorld(options);
  await bootstrap(world);
  world.audited.length = 0;
  return world;
}

/** The public half of a key that is none of ours (RFC 7515 A.3). */
const FOREIGN = {
  kty: 'EC',
  crv: 'P-256',
  x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
  y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
};

const STRANGER = 'arn:aws:iam::999999999999:root';

/** A key with the tags of this client in a system, which no record names. */
const makeOutside = (world: World, system: string) =>
  world.kms.createKey({
    KeySpec: 'ECC_NIST_P256',
    KeyUsage: 'SIGN_VERIFY',
    Tags: Object.entries({ system, client: 'journal' }).map(([name, TagValue]) => ({
      TagKey: `helseid-zones:${name}`,
      TagValue,
    })),
  });

test('a system in order has nothing but zeros', async () => {
  const world = await started();
  await world.rotate();
  expect(await world.watch()).toEqual({ ...CALM, DaysToExpiry: 89 });
});

test('every figure that a check gives has a row in the table', async () => {
  const world = await started();
  for (const name of Object.keys(await world.watch())) expect(KEY_ALARMS).toHaveProperty(name);
});

describe('bootstrap', () => {
  test('the first hourly run has the first key made', async () => {
    const world = createWorld();
    expect(await world.watch()).toEqual(CALM);
    expect(world.secrets.stages.has('AWSPENDING')).toBe(true);
    await world.rotate();
    expect(states(world)).toEqual(['created']);
  });

  test('a key that waits for the operator is tried again each hour, and is not stuck', async () => {
    const world = createWorld();
    await world.rotate();
    await world.skip(3 * DAY);
    expect(await world.watch()).toMatchObject({ RotationStuck: 0 });
    expect(world.secrets.stages.has('AWSPENDING')).toBe(true);
  });
});

describe('retirement', () => {
  test('a replaced key signs proofs to the last moment, and is disabled after it', async () => {
    const world = await started();
    await world.rotate();
    const [old] = world.record().keys;
    await world.skip((old?.usableUntil ?? 0) - world.now() - 1);
    await world.watch();
    expect(states(world)).toEqual(['retiring', 'current']);
    await world.skip(1);
    await world.watch();
    expect(states(world)).toEqual(['retired', 'current']);
    expect(world.kms.keys.get(old?.keyArn ?? '')?.status).toBe('Disabled');
    expect(world.audited).toContain('KEY_DISABLED');
  });

  test('killed between the record and KMS, the next run disables', async () => {
    const world = await started();
    await world.rotate();
    await world.skip(600 + RETIREMENT_LEEWAY);
    world.kms.failNext('disableKey', 'KMSInternalException');
    expect(await world.watch()).toMatchObject({ WatchFailed: 1, UnknownKeys: 0 });
    expect([...world.kms.keys.values()].map(({ status }) => status)).toEqual(['Enabled', 'Enabled']);
    await world.watch();
    expect([...world.kms.keys.values()].map(({ status }) => status)).toEqual(['Disabled', 'Enabled']);
  });
});

describe('keys that should not be', () => {
  test('a key at HelseID that the record does not know is counted', async () => {
    const world = await started();
    world.helseId.registerByHand({ ...FOREIGN, kid: 'foreign' });
    expect(await world.watch()).toMatchObject({ UnknownKeys: 1 });
    expect(world.audited).toContain('KEY_UNKNOWN');
  });

  test.each(['current', 'retiring'])('so is one that was given the kid of our %s key', async (state) => {
    const world = await started();
    await world.rotate();
    expect(await world.watch()).toMatchObject({ UnknownKeys: 0 });
    const kid = world.record().keys.find((key) => key.state === state)?.kid ?? '';
    world.helseId.registerByHand({ ...FOREIGN, kid });
    expect(await world.watch()).toMatchObject({ UnknownKeys: 1 });
  });

  test('where nobody can be asked, it is not counted as none', async () => {
    const world = await started();
    world.helseId.behaviour.list = 'fail';
    const figures = await world.watch();
    expect(figures).not.toHaveProperty('UnknownKeys');
    expect(figures).toMatchObject({ WatchFailed: 1, RotationStuck: 0 });
    const byHand = await started({ selfRegistering: false });
    expect(await byHand.watch()).not.toHaveProperty('UnknownKeys');
  });

  test('a key of ours in KMS outside the record is counted until it is being deleted', async () => {
    const world = await started();
    await makeOutside(world, 'other');
    expect(await world.watch()).toMatchObject({ SurplusKeys: 0 });
    const { KeyMetadata } = await makeOutside(world, 'journal');
    expect(await world.watch()).toMatchObject({ SurplusKeys: 1 });
    // One whose policy hides its tags is anybody's (SECURITY.md, T8).
    world.kms.foreign.add(KeyMetadata?.Arn ?? '');
    expect(await world.watch()).toMatchObject({ SurplusKeys: 0, WatchFailed: 0 });
    world.kms.foreign.delete(KeyMetadata?.Arn ?? '');
    const key = world.kms.keys.get(KeyMetadata?.Arn ?? '');
    if (key) key.status = 'PendingDeletion';
    expect(await world.watch()).toMatchObject({ SurplusKeys: 0 });
  });

  test('a key that was made and is in no record for 48 hours is named, until it is being deleted', async () => {
    const world = await started();
    const { KeyMetadata } = await makeOutside(world, 'journal');
    const made = world.now();
    const named = async () => {
      const lines: object[] = [];
      const audit = (code: string, facts: object) => {
        if (code === 'KEY_OUTSIDE_RECORD') lines.push(facts);
      };
      await runChecks({ ...world.rotation({ seconds: 0 }), audit });
      return lines;
    };
    await world.skip(2 * DAY - 1);
    expect(await named()).toEqual([]);
    await world.skip(1);
    const key = KeyMetadata?.Arn;
    expect(await named()).toEqual([{ client: 'journal', key, state: 'Enabled', made }]);
    const found = world.kms.keys.get(key ?? '');
    if (found) found.status = 'PendingDeletion';
    expect(await named()).toEqual([]);
  });

  test('a key that HelseID lists a month after it has retired is counted', async () => {
    const world = await started();
    await world.rotate();
    await world.skip(DAY);
    await world.watch();
    expect(await world.watch()).toMatchObject({ SurplusKeys: 0 });
    await world.skip(31 * DAY);
    expect(await world.watch()).toMatchObject({ SurplusKeys: 1 });
  });

  test('a key with another policy is counted, and one made before the algorithm changed is not', async () => {
    const world = await started();
    await world.rotate({ algorithm: 'PS256' });
    expect(await world.watch()).toMatchObject({ PolicyDrift: 0 });
    const [key] = world.kms.keys.values();
    if (key) key.policy = '{}';
    expect(await world.watch()).toMatchObject({ PolicyDrift: 1 });
    expect(world.audited).toContain('KEY_POLICY_DRIFT');
  });

  test('a key that a grant gives to somebody, past its policy, is counted', async () => {
    const world = await started();
    world.kms.listGrants = async () => ({ Grants: [{ GranteePrincipal: STRANGER }] });
    expect(await world.watch()).toMatchObject({ PolicyDrift: 1 });
    expect(world.audited).toContain('KEY_POLICY_DRIFT');
  });

  test('a policy that may not be read is another one, once KMS has heard of the key everywhere', async () => {
    const world = await started();
    world.kms.failNext('getKeyPolicy', 'AccessDeniedException');
    expect(await world.watch()).toMatchObject({ WatchFailed: 1 });
    await world.skip(3600);
    world.kms.failNext('getKeyPolicy', 'AccessDeniedException');
    expect(await world.watch()).toMatchObject({ WatchFailed: 0, PolicyDrift: 1 });
    world.kms.failNext('getKeyPolicy', 'KMSInternalException');
    expect(await world.watch()).not.toHaveProperty('PolicyDrift');
  });
});

describe('keys that should be', () => {
  test('a current key that was disabled is counted, and enabled', async () => {
    const world = await started();
    const [key] = world.kms.keys.values();
    if (key) key.status = 'Disabled';
    expect(await world.watch()).toMatchObject({ KeysNotUsable: 1 });
    expect(key?.status).toBe('Enabled');
    expect(await world.watch()).toMatchObject({ KeysNotUsable: 0 });
  });

  test('one that is being deleted is counted as long as it is', async () => {
    const world = await started();
    const [key] = world.kms.keys.values();
    if (key) key.status = 'PendingDeletion';
    for (const _ of [1, 2]) expect(await world.watch()).toMatchObject({ KeysNotUsable: 1 });
  });
});

describe('rotations that do not come through', () => {
  test('a key on its way for a day is stuck, and tried again', async () => {
    const world = await started();
    world.helseId.behaviour.post = 'refuse';
    await world.rotate();
    // As if an operator had taken AWSPENDING off.
    world.secrets.move('AWSPENDING', world.secrets.stages.get('AWSCURRENT') ?? '');
    await world.skip(DAY - 60);
    expect(await world.watch()).toMatchObject({ RotationStuck: 0 });
    await world.skip(120);
    expect(await world.watch()).toMatchObject({ RotationStuck: 1 });
    world.helseId.behaviour.post = 'accept';
    await world.rotate();
    expect(await world.watch()).toMatchObject({ RotationStuck: 0 });
  });

  test('an orphaned AWSPENDING is stuck', async () => {
    const world = await started();
    world.secrets.beginDryRun();
    await world.skip(5 * 3600);
    expect(await world.watch()).toMatchObject({ RotationStuck: 0 });
    await world.skip(2 * 3600);
    expect(await world.watch()).toMatchObject({ RotationStuck: 1 });
  });

  test('one that died with its key current is brought to its end, and replaces no other key', async () => {
    const world = await started();
    const { calls } = await (await started()).rotate();
    await world.rotate({
      kill: { at: calls.lastIndexOf('secrets:UpdateSecretVersionStage') + 1, when: 'before' },
    });
    expect(findLeftovers(world)).toEqual(['AWSPENDING is left']);
    const keys = states(world);
    await world.watch();
    expect(world.audited.at(-1)).toBe('ROTATION_WANTED');
    await world.rotate();
    expect([findLeftovers(world), states(world)]).toEqual([[], keys]);
    const before = world.audited.length;
    await world.watch();
    expect(world.audited.slice(before)).not.toContain('ROTATION_WANTED');
  });

  test('a rotation that is under way is no error', async () => {
    const world = await started();
    world.helseId.behaviour.post = 'refuse';
    await world.rotate();
    expect(await world.watch()).toMatchObject({ WatchFailed: 0 });
  });
});

describe('a rotation begins', () => {
  test('when the declared days are over', async () => {
    const world = await started();
    await world.skip(59 * DAY);
    await world.watch();
    expect(world.secrets.stages.has('AWSPENDING')).toBe(false);
    await world.skip(DAY);
    await world.watch();
    expect(world.secrets.stages.has('AWSPENDING')).toBe(true);
    expect(world.audited).toContain('ROTATION_WANTED');
  });

  test('in the daytime', async () => {
    const world = await started();
    const hour = () => new Date(world.now() * 1000).getUTCHours();
    await world.skip(60 * DAY);
    while (hour() !== 18) await world.skip(3600);
    for (; hour() !== 6; await world.skip(3600)) {
      await world.watch();
      expect(world.secrets.stages.has('AWSPENDING')).toBe(false);
    }
    await world.watch();
    expect(world.secrets.stages.has('AWSPENDING')).toBe(true);
  });

  test('well before the expiry that HelseID reports, which is read each day', async () => {
    const world = await started();
    await world.rotate();
    const [, listed] = world.helseId.keys;
    if (listed) listed.expires = world.now() + 31 * DAY;
    expect(await world.watch({ everyDays: 365 })).toMatchObject({ DaysToExpiry: 31 });
    expect(world.record().keys[1]?.expires).toBe(listed?.expires);
    expect(world.secrets.stages.has('AWSPENDING')).toBe(false);
    await world.skip(22 * DAY);
    await world.watch({ everyDays: 365 });
    expect(world.secrets.stages.has('AWSPENDING')).toBe(true);
  });

  test.each([
    [0, 400, 354, undefined],
    [0, 400, 355, 'expiry'],
    [0, 90, 44, undefined],
    [0, 90, 45, 'expiry'],
    [0, 9, 4, undefined],
    [0, 9, 5, 'expiry'],
    [0, undefined, 364, undefined],
    [0, undefined, 365, 'age'],
  ])(
    'a key registered on day %i that expires on day %s is, on day %i, due by %s',
    (from, expires, day, due) => {
      const key = {
        since: { registered: from * DAY, current: from * DAY },
        ...(expires === undefined ? {} : { expires: expires * DAY }),
      };
      expect(isRotationDue(key, 365, day * DAY)).toBe(due);
    },
  );
});
