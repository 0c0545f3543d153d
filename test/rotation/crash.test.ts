import { describe, expect, test } from 'vitest';
import type { HelseIdBehaviour } from '../fakes/self-service.ts';
import { verifyQuickly } from '../fakes/verify-jws.ts';
import { FULL, sampled } from '../full.ts';
import { createWorld, findLeftovers, type Kill, readJwk, startWithKey } from './world.ts';

/**
 * How HelseID may treat the key before the new one. With the last, no key is accepted for a while. To be killed after a call
 * is nearly to be killed before the next one, so that both are tried with one behaviour.
 */
const SERVERS: [string, Partial<HelseIdBehaviour>, Kill['when']][] = [
  ['keeps the previous key', { drops: 'nothing', propagation: 0 }, 'after'],
  ['drops the previous key at once', { drops: 'at-once', propagation: 0 }, 'before'],
  ['drops the previous key at once', { drops: 'at-once', propagation: 0 }, 'after'],
  ['drops the previous key when the new is accepted', { drops: 'when-accepted', propagation: 25 }, 'after'],
  ['drops the previous key at once, takes its time', { drops: 'at-once', propagation: 25 }, 'after'],
];

async function countCalls(behaviour: Partial<HelseIdBehaviour>): Promise<string[]> {
  const world = createWorld();
  await startWithKey(world);
  Object.assign(world.helseId.behaviour, behaviour);
  const { calls, error } = await world.rotate();
  expect(error).toBeUndefined();
  return calls;
}

// Where not all run, each server is killed at other calls.
test.each(SERVERS.map((server, index) => [...server, index] as const))(
  'HelseID %s: a rotation killed at one of its calls (each, in full) converges (%#)',
  { timeout: 120_000 },
  async (_, behaviour, when, index) => {
    const calls = await countCalls(behaviour);
    expect(calls.length).toBeGreaterThan(40);
    for (const [at, call] of sampled([...calls.entries()].slice((4 * index) % 20), 20))
      await crash({ at: at + 1, when }, behaviour, call);
  },
);

async function crash(kill: Kill, behaviour: Partial<HelseIdBehaviour>, call: string): Promise<void> {
  const where = `killed ${kill.when} call ${kill.at}, ${call}`;
  const world = createWorld({ verify: verifyQuickly });
  const first = await startWithKey(world);
  Object.assign(world.helseId.behaviour, behaviour);
  world.traffic = true;
  await world.probe();

  const killed = await world.rotate({ kill });
  expect(killed.calls, where).toHaveLength(kill.at);
  await world.pass(1);
  const second = await world.rotate();
  if (second.error !== undefined) await world.rotate();
  await world.skip(40);
  await world.probe();

  expect(
    world.failures.filter(({ excused }) => !excused),
    where,
  ).toEqual([]);
  if (behaviour.drops !== 'at-once' || behaviour.propagation === 0) expect(world.failures, where).toEqual([]);
  expect(findLeftovers(world), where).toEqual([]);
  // One rotation came through, or one and the one that Secrets Manager begins anew after the last call.
  const current = world.record().keys.find(({ state }) => state === 'current');
  expect(current?.kid, where).not.toBe(first);
}

describe('bootstrap', () => {
  test.each([0, 1])('killed at one of the calls of run %i (each, in full), it converges', async (run) => {
    for (let at = 1; ; at += FULL ? 1 : 10) {
      const world = createWorld();
      const kills = [undefined, undefined].map((_, index) =>
        index === run ? { at, when: 'after' as const } : undefined,
      );
      const first = await world.rotate(kills[0] ? { kill: kills[0] } : {});
      if (run === 0) await world.rotate();
      const [key] = world.record().keys;
      expect(key?.state).toBe('created');
      world.helseId.registerByHand(await readJwk(world, key?.kid ?? ''));
      const second = await world.rotate(kills[1] ? { kill: kills[1] } : {});
      await world.rotate();
      if (world.record().keys[0]?.state !== 'current') await world.rotate();
      expect(findLeftovers(world)).toEqual([]);
      const { calls } = run === 0 ? first : second;
      if (calls.length < at) break;
      expect(at).toBeLessThan(100);
    }
  });
});
