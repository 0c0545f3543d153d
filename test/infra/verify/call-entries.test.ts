import { expect, test } from 'vitest';
import { callEntries } from '../../../infra/verify/call-entries.ts';
import system from '../../one-client.zones.ts';

const [zone = ''] = Object.keys(system.zones).filter((name) => system.zones[name]?.gateway !== undefined);
const url = 'https://api.example.no/live';
const routes = system.zones[zone]?.gateway?.routes ?? [];
const ofIam = routes
  .filter(({ authorize }) => authorize === 'iam')
  .map(({ path }) => `${url}${path.replaceAll(/\{\w+\}/g, '0')}`);

const right = (target: string) => (ofIam.includes(target) ? 403 : target.includes('no-such') ? 403 : 302);

const call = (plain: (target: string) => number, signed: (target: string) => number) =>
  callEntries(system, [{ zone, url }], { plain: async (at) => plain(at), signed: async (at) => signed(at) });

test('entries that answer as they should are no difference', async () => {
  const { read, ...rest } = await call(right, () => 200);
  expect(ofIam.length).toBeGreaterThan(0);
  expect(read).toBeGreaterThan(ofIam.length);
  expect(rest).toEqual({ skipped: [], differences: [], unread: [] });
});

/** What is wrong, with what anybody and the operator are answered. */
const WRONG: [name: string, plain: (at: string) => number, signed: () => number, means: string][] = [
  [
    'a route of IAM is open',
    (at: string) => (ofIam.includes(at) ? 200 : right(at)),
    () => 200,
    'Anybody may call',
  ],
  [
    'something answers beside the routes',
    (at: string) => (at.includes('no-such') ? 200 : right(at)),
    () => 200,
    'no route',
  ],
  ['the function fails', right, () => 502, 'fails'],
  ['nothing answers', () => 0, () => 0, 'fails'],
];

test.each(WRONG)('it is found that %s', async (_name, plain, signed, means) => {
  const { differences } = await call(plain, signed);
  expect(differences.map((of) => of.means)).toContainEqual(expect.stringContaining(means));
});

test('credentials that may not call say nothing of the route', async () => {
  const { differences, skipped } = await call(right, () => 403);
  expect(differences).toEqual([]);
  expect(skipped).toEqual(ofIam.map((target) => expect.stringContaining(target)));
});
