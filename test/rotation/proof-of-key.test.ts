import { describe, expect, test } from 'vitest';
import type { HelseIdBehaviour } from '../fakes/self-service.ts';
import { bootstrap, createWorld, readJwk, rotates, type World, type WorldOptions } from './world.ts';

/** A key is proved by the issuer's authenticating the client with it, whatever else the client lacks. */

const states = (world: World) => world.record().keys.map(({ state }) => state);

function behaving(behaviour: Partial<HelseIdBehaviour>, options: WorldOptions = {}): World {
  const world = createWorld(options);
  Object.assign(world.helseId.behaviour, behaviour);
  return world;
}

const registerLast = async (world: World) =>
  world.helseId.registerByHand(await readJwk(world, world.record().keys.at(-1)?.kid ?? ''));

describe.each(['unauthorized_client', 'invalid_scope', 'unsupported_grant_type', 'invalid_target'])(
  'an issuer that answers %s to a client it has authenticated',
  (error) => {
    test.each([true, false])(
      'gets its first key, and rotates (self-service: %s)',
      async (selfRegistering) => {
        const world = behaving({ refuses: { error } }, { selfRegistering });
        expect((await world.rotate()).error).toBeUndefined();
        expect(states(world)).toEqual(['created']);
        await registerLast(world);
        expect((await world.rotate()).error).toBeUndefined();
        expect(states(world)).toEqual(['current']);

        // The self-service API can't be asked without a token: an operator registers every key.
        await world.rotate();
        await registerLast(world);
        await rotates(world);
        expect(states(world)).toEqual(['retiring', 'current']);
      },
    );

    test('never takes a key that is not registered for one that is', async () => {
      const world = behaving({ refuses: { error } });
      for (const _ of [1, 2]) await world.rotate();
      expect(states(world)).toEqual(['created']);
    });
  },
);

test.each(['ES384', 'PS256'] as const)(
  'a key of %s is proved against a made-up one of its kind',
  async (algorithm) => {
    const world = behaving({ refuses: { error: 'invalid_scope' } }, { algorithm, selfRegistering: false });
    await bootstrap(world);
    expect(states(world)).toEqual(['current']);
  },
);

test.each(['invalid_scope', 'unsupported_grant_type', 'invalid_target'])(
  'an issuer that answers %s before it looks at the key proves nothing, and the error says so',
  async (error) => {
    const world = behaving({ refuses: { error, first: true } });
    const began = world.now();
    expect((await world.rotate()).error).toMatchObject({
      code: 'rotation_failed',
      message: expect.stringContaining(error),
      facts: { error },
    });
    expect(world.now() - began).toBeLessThan(5);
    expect(states(world)).toEqual(['created']);
  },
);

test.each(['temporarily_unavailable', 'server_error', 'invalid_request'])(
  '%s proves nothing',
  async (error) => {
    const world = behaving({ refuses: { error } });
    expect((await world.rotate()).error).toBeUndefined();
    await registerLast(world);
    expect((await world.rotate()).error).toMatchObject({ code: 'token_refused' });
    expect(states(world)).toEqual(['created']);
  },
);

test('an issuer that says unauthorized_client with status 401 speaks of the key', async () => {
  const world = behaving({ keyRefusal: { error: 'unauthorized_client', status: 401 } });
  expect((await world.rotate()).error).toBeUndefined();
  expect(world.audited).toContain('ROTATION_WAITS_FOR_REGISTRATION');
  expect(states(world)).toEqual(['created']);
});

test('a made-up key is registered nowhere and never asked for again', async () => {
  const world = behaving({ refuses: { error: 'invalid_scope' } }, { selfRegistering: false });
  await bootstrap(world);
  expect(world.helseId.keys.map(({ kid }) => kid)).toEqual(world.record().keys.map(({ kid }) => kid));
  expect(world.kms.keys.size).toBe(1);
});
