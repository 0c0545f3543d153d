import { expect, test } from 'vitest';
import { bootstrap, createWorld } from './world.ts';

test('bootstrap, then a rotation under traffic', async () => {
  const world = createWorld();
  const first = await bootstrap(world);
  expect(world.record().keys.map(({ kid, state }) => [kid, state])).toEqual([[first, 'current']]);
  world.traffic = true;
  const run = await world.rotate();
  expect(run.error).toBeUndefined();
  console.log(run.calls.length, run.calls.join(' '));
  console.log(world.audited.join(' '));
  expect(world.failures).toEqual([]);
  expect(world.record().keys.map(({ state }) => state)).toEqual(['retiring', 'current']);
});
