import { describe, expect, test } from 'vitest';
import { bootstrap, createWorld, findLeftovers, rotates, type World } from './world.ts';

/** AWS needs a while to know what it has made: what is not there yet is waited for, and nobody is accused. */

const DAY = 86_400;
const states = (world: World) => world.record().keys.map(({ state }) => state);

async function started(): Promise<World> {
  const world = createWorld();
  await bootstrap(world);
  world.audited.length = 0;
  return world;
}

/** The next `times` readings of an AWSPENDING version find none. */
function hidePlan(world: World, token: string, times: number): void {
  const { getSecretValue } = world.secrets;
  let left = times;
  world.secrets.getSecretValue = async (input) => {
    if (input.VersionId !== token || world.secrets.textOf(token) === undefined || left <= 0)
      return getSecretValue(input);
    left -= 1;
    throw Object.assign(new Error('not found'), { name: 'ResourceNotFoundException' });
  };
}

describe('KMS does not know a key that it has just made', () => {
  test.each([3, 45])('for %i s: the rotation waits, and comes through', async (seconds) => {
    const world = await started();
    world.kms.settling = seconds;
    await rotates(world);
    expect(world.kms.keys.size).toBe(2);
    expect(world.audited).not.toContain('KEY_UNFIT');
  });

  test('and its signers neither: the first key waits for its registration', async () => {
    const world = createWorld();
    const { createKey } = world.kms;
    world.kms.createKey = async (input) => {
      const made = await createKey(input);
      for (const _ of [1, 2]) world.kms.failNext('Sign', 'NotFoundException');
      return made;
    };
    expect((await world.rotate()).error).toBeUndefined();
    expect(states(world)).toEqual(['created']);
    expect(world.audited).toContain('ROTATION_WAITS_FOR_REGISTRATION');
  });

  test('for longer than is waited: no word of a policy that nobody has read, and the next run adopts it', async () => {
    const world = await started();
    world.kms.settling = 300;
    const { error } = await world.rotate();
    expect(error).toMatchObject({ code: 'rotation_failed', message: expect.not.stringMatching(/policy/i) });
    expect(world.audited).not.toContain('KEY_UNFIT');
    expect(states(world)).toEqual(['current']);
    await world.skip(300);
    expect((await world.rotate()).error).toBeUndefined();
    expect(states(world)).toEqual(['retiring', 'current']);
    expect(world.kms.keys.size).toBe(2);
  });

  test('but did a moment ago: a key too young to be deleted is not given up, an older one is', async () => {
    const world = await started();
    world.helseId.behaviour.post = 'fail';
    const token = world.secrets.beginRotation();
    await world.rotate({ token });
    world.secrets.move('AWSPENDING', world.secrets.stages.get('AWSCURRENT') ?? '');
    world.helseId.behaviour.post = 'accept';
    const candidate = world.kms.keys.get(world.record().keys[1]?.keyArn ?? '');
    if (candidate) candidate.created = Number.POSITIVE_INFINITY;
    world.kms.settling = 1;
    expect((await world.rotate()).error).toMatchObject({ code: 'rotation_failed' });
    expect(states(world)).toEqual(['current', 'registered']);
    await world.skip(7 * DAY);
    expect((await world.rotate()).error).toBeUndefined();
    expect(states(world)).toEqual(['retiring', 'retired', 'current']);
  });

  test('key-watch counts it when it is an hour old', async () => {
    const world = await started();
    for (const key of world.kms.keys.values()) key.created = Number.POSITIVE_INFINITY;
    world.kms.settling = 1;
    expect(await world.watch()).toMatchObject({ KeysNotUsable: 0 });
    await world.skip(3600);
    expect(await world.watch()).toMatchObject({ KeysNotUsable: 1 });
  });
});

describe('Secrets Manager', () => {
  test.each([1, 3, 20])('knows a new version after %i s only: the rotation waits', async (seconds) => {
    const world = await started();
    await world.skip(DAY);
    world.secrets.settling = seconds;
    const { error } = await world.rotate({ seconds: 800 });
    expect(error).toBeUndefined();
    expect(states(world)).toEqual(['retiring', 'current']);
    expect(findLeftovers(world)).toEqual([]);
  });

  test('can’t read the plan once: the rotation comes through', async () => {
    const world = await started();
    const token = world.secrets.beginRotation();
    hidePlan(world, token, 1);
    await rotates(world, { token });
  });

  test('can’t read the plan at all: the rotation is not done, and the next one comes through', async () => {
    const world = await started();
    const token = world.secrets.beginRotation();
    hidePlan(world, token, 40);
    expect((await world.rotate({ token })).error).toMatchObject({ code: 'rotation_failed' });
    expect(world.secrets.stages.get('AWSPENDING')).toBe(token);
    hidePlan(world, token, 0);
    await world.rotate();
    await world.rotate();
    expect(findLeftovers(world)).toEqual([]);
  });
});
