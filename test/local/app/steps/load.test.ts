import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { startLoad } from '../../../../local/app/steps/load.ts';

test('calls again and again in every lane until it is stopped, and then no more', async () => {
  const made = { one: 0, two: 0 };
  const count = (lane: keyof typeof made) => async () => {
    await turn();
    made[lane] += 1;
  };
  const load = startLoad({ one: count('one'), two: count('two') });
  await load.more(3);
  const { calls, failures } = await load.stop();
  expect(failures).toEqual([]);
  expect(calls).toEqual(made);
  expect(Math.min(...Object.values(calls))).toBeGreaterThanOrEqual(3);
  await turn();
  expect(made).toEqual(calls);
});

test('a call under way does not count among further ones: what happened since has been seen by a whole call', async () => {
  const began: string[] = [];
  let now = 'before';
  const first = Promise.withResolvers<void>();
  const load = startLoad({
    async lane() {
      began.push(now);
      await (began.length === 1 ? first.promise : turn());
    },
  });
  now = 'after';
  const more = load.more(1);
  first.resolve();
  await more;
  expect(began.slice(0, 2)).toEqual(['before', 'after']);
  await load.stop();
});

test('a lane ends with its first failure, the others go on, and nobody waits for it', async () => {
  const load = startLoad({
    fine: () => turn(),
    async broken() {
      await turn();
      throw new Error('answered 500');
    },
  });
  await load.more(2);
  const { calls, failures } = await load.stop();
  expect(failures).toEqual(['broken: answered 500']);
  expect(calls['broken']).toBe(0);
  expect(calls['fine']).toBeGreaterThanOrEqual(2);
});
