import { expect, it } from 'vitest';
import { listen } from '../local/aws/http.ts';
import { freePorts, ROOM } from './ports.ts';

it('gives ports that nobody has, and none of a row in which one is taken', async () => {
  const free = await freePorts();
  expect(await freePorts(() => free.gateway)).toEqual(free);

  const taken = await listen(() => {}, free.gateway + ROOM - 1);
  const other = free.gateway - ROOM;
  const picks = [free.gateway, other];
  const given = await freePorts(() => picks.shift() ?? 0).finally(taken.close);
  expect(given).toEqual({ gateway: other, standIn: other + ROOM / 2 });
});
