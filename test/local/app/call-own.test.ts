import { describe, expect, test } from 'vitest';
import { findRoute, fireSchedule, putSecret } from '../../../local/app/call-own.ts';
import { coded } from '../../coded.ts';
import system from '../../two-clients.zones.ts';

/** A local system that answers nothing: whatever is refused is refused before it is asked. */
const running = {
  url: 'http://127.0.0.1:1',
  region: 'eu-north-1',
  declaration: system,
  credentials: { accessKeyId: 'a', secretAccessKey: 's' },
};

describe('what the declaration does not name, also as every object has it, is refused before anything is asked', () => {
  test.each([
    ['nosuch', 'worker/nightly'],
    ['__proto__', 'worker/nightly'],
    ['internal', '__proto__/x'],
    ['internal', 'constructor/name'],
    ['internal', 'worker/toString'],
  ])('%s %s', async (zone, name) => {
    expect(() => fireSchedule(running, { zone, name })).toThrow(coded('local_failed', /has no schedule/));
    await expect(putSecret(running, { zone, name }, 'x')).rejects.toThrow(
      coded('local_failed', /has no secret/),
    );
  });
});

test('a route is found in its zone, and in no other', () => {
  const wanted = { method: 'GET', path: '/summaries/17' };
  expect(findRoute(system, { zone: 'public', ...wanted })).toMatchObject({ path: '/summaries/{id}' });
  for (const zone of ['internal', 'constructor'])
    expect(findRoute(system, { zone, ...wanted })).toBeUndefined();
});
