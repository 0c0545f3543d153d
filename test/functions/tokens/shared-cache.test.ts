import { readFileSync } from 'node:fs';
import { createAwsCaller, readAwsConfig } from '@helseid-zones/client/aws';
import type { AccessToken } from '@helseid-zones/client/tokens';
import { ZonesError } from '@helseid-zones/protocol/errors';
import { afterAll, expect, test } from 'vitest';
import { createDynamoTable, type DynamoTable } from '../../../functions/common/dynamo.ts';
import {
  createSharedCache,
  LEASE,
  PATIENCE,
  PAUSE,
  RENEWAL_INTERVAL,
} from '../../../functions/tokens/shared-cache.ts';
import { failure } from '../../client/make-client.ts';
import { startDynamo } from '../../fakes/dynamo.ts';
import { FULL } from '../../full.ts';

const dynamo = await startDynamo();
await dynamo.createTable('tokens');
afterAll(() => dynamo.close());

const START = 1_790_000_000_000;
/** Cold environments at once. */
const MANY = FULL ? 1000 : 12;

test('the times are those of docs/tokens.md', () => {
  const page = readFileSync('docs/tokens.md', 'utf8');
  expect(page).toContain(`by a lease of ${LEASE / 1000} seconds`);
  expect(page).toContain(`with \`issuer_unreachable\` after ${PATIENCE / 1000} seconds`);
  expect([RENEWAL_INTERVAL, PAUSE]).toEqual([60_000, 1000]);
  for (const said of ['in the last minute', 'one token a minute', 'begins a second after it'])
    expect(page).toContain(said);
});

/**
 * Environments on one table, in a time that moves only while nobody works: then it is when the first of those who wait wants to
 * look again. Each `request` is a fetch that the issuer sees.
 */
function makeZone() {
  const zone = { now: START, fetched: 0, asked: 0, lifetime: 600 };
  // One process for all of them: what is slow here is not the table.
  const patient = createAwsCaller(readAwsConfig(dynamo.env), { timeout: 300_000 });
  const table = createDynamoTable(patient, 'tokens');
  const sleepers: { at: number; wake: () => void }[] = [];
  let working = 0;
  const settle = () =>
    setImmediate(() => {
      if (working > 0) return;
      const [first] = sleepers.sort((one, other) => one.at - other.at);
      if (!first) return;
      sleepers.splice(0, 1);
      zone.now = Math.max(zone.now, first.at);
      first.wake();
      settle();
    });
  const work = async <T>(run: () => Promise<T>): Promise<T> => {
    working += 1;
    try {
      return await run();
    } finally {
      working -= 1;
      settle();
    }
  };
  const busy =
    <A extends unknown[], R>(call: (...args: A) => Promise<R>) =>
    (...args: A) =>
      work(() => {
        zone.asked += 1;
        return call(...args);
      });
  const watched: DynamoTable = { ...table, get: busy(table.get), update: busy(table.update) };
  const wait = (ms: number) =>
    new Promise<void>((wake) => {
      sleepers.push({ at: zone.now + ms, wake });
      settle();
    });
  const request = () =>
    work(async (): Promise<AccessToken> => {
      zone.fetched += 1;
      const expiresAt = zone.now / 1000 + zone.lifetime;
      return {
        accessToken: `token-${zone.fetched}`,
        binding: { kid: 'k', jkt: 'k' },
        expiresIn: zone.lifetime,
        expiresAt,
      };
    });
  /** A cold environment. */
  const environment = (of: DynamoTable = watched) =>
    createSharedCache({ table: of, wait, now: () => zone.now, random: () => 0.5 });
  return { zone, environment, request, watched, work };
}

let keys = 0;
const newKey = () => `key-${keys++}`;

test(`${MANY} cold environments and one that dies make one fetch; the others wait, and take over when its lease is over`, {
  timeout: 600_000,
}, async () => {
  const { zone, environment, request } = makeZone();
  const key = newKey();
  const dead = new Promise<never>(() => {});
  const { promise: leased, resolve: begin } = Promise.withResolvers<void>();
  void environment().get(key, () => {
    begin();
    return dead;
  });
  await leased;
  const all = await Promise.all(Array.from({ length: MANY }, () => environment().get(key, request)));
  expect(zone.fetched).toBe(1);
  expect(new Set(all.map(({ accessToken }) => accessToken))).toEqual(new Set(['token-1']));
  expect(zone.now - START).toBeGreaterThanOrEqual(LEASE);
  expect(zone.now - START).toBeLessThan(PATIENCE);
  // Who waits looks about once a second.
  expect(zone.asked / MANY).toBeLessThan(LEASE / 1000 + 10);
});

test('without a crash nobody waits for the lease, and nobody fetches after it', async () => {
  const { zone, environment, request } = makeZone();
  const key = newKey();
  await Promise.all(Array.from({ length: 20 }, () => environment().get(key, request)));
  expect(zone.fetched).toBe(1);
  expect(zone.now - START).toBeLessThan(2000);
  const late = environment();
  expect((await late.get(key, request)).accessToken).toBe('token-1');
  const { asked } = zone;
  // Warm: the table is not asked.
  await late.get(key, request);
  expect(zone.asked).toBe(asked);
  zone.now += 596_000;
  expect((await late.get(key, request)).accessToken).toBe('token-2');
});

test('a fetch that fails is shared by those who waited for it; the next one begins a second later', async () => {
  const { zone, environment, request, work } = makeZone();
  const key = newKey();
  let refusals = 0;
  const refuse = () =>
    work(async (): Promise<AccessToken> => {
      refusals += 1;
      throw new ZonesError('token_refused', 'No.', { facts: { error: 'invalid_scope', status: 400 } });
    });
  const all = await Promise.allSettled(Array.from({ length: 20 }, () => environment().get(key, refuse)));
  expect(refusals).toBe(1);
  for (const each of all)
    expect(each).toMatchObject({ reason: { code: 'token_refused', facts: { error: 'invalid_scope' } } });
  const { now } = zone;
  expect((await environment().get(key, request)).accessToken).toBe('token-1');
  expect(zone.now - now).toBeLessThan(2 * PAUSE + 1000);
});

test('who waits longer than that for somebody slow fails, and keeps what it has', async () => {
  const { zone, environment, request, watched } = makeZone();
  const key = newKey();
  const taken: DynamoTable = { ...watched, update: async () => undefined };
  await failure(environment(taken).get(key, request), 'issuer_unreachable');
  expect(zone.now - START).toBeGreaterThanOrEqual(PATIENCE);
  expect(zone.fetched).toBe(0);
});

test('a table out of reach: each environment fetches for itself and keeps it; what was kept before stays', async () => {
  const { zone, environment, request } = makeZone();
  const aws = createAwsCaller(
    { ...readAwsConfig(dynamo.env), endpoints: { dynamodb: 'http://127.0.0.1:1' } },
    { wait: async () => {} },
  );
  const away = createDynamoTable(aws, 'tokens');
  const key = newKey();
  const one = environment(away);
  const token = await one.get(key, request);
  expect(token.accessToken).toBe('token-1');
  expect(await one.get(key, request)).toBe(token);
  expect((await environment(away).get(key, request)).accessToken).toBe('token-2');
  // Nobody counts renewals now, so there are none.
  await failure(one.renew(key, token, request), 'aws_unavailable');
  expect(await one.get(key, request)).toBe(token);
  expect(zone.fetched).toBe(2);
});

test('a table that can be read and not written gives what it has, and no fetch is lost', async () => {
  const { zone, environment, request, watched } = makeZone();
  const key = newKey();
  const refused = new ZonesError('aws_refused', 'Denied.');
  const readOnly: DynamoTable = {
    ...watched,
    update: async () => {
      throw refused;
    },
  };
  expect((await environment(readOnly).get(key, request)).accessToken).toBe('token-1');
  expect((await environment().get(key, request)).accessToken).toBe('token-2');
  expect((await environment(readOnly).get(key, request)).accessToken).toBe('token-2');
  expect(zone.fetched).toBe(2);
});

test('a throttled table is waited for, not gone round', async () => {
  const { zone, environment, request, watched } = makeZone();
  let throttled = 3;
  const slow: DynamoTable = {
    ...watched,
    async get(pk) {
      if (throttled-- > 0) throw new ZonesError('aws_throttled', 'Slow.');
      return watched.get(pk);
    },
  };
  expect((await environment(slow).get(newKey(), request)).accessToken).toBe('token-1');
  expect([throttled, zone.fetched]).toEqual([-1, 1]);
});

test('a refused token is replaced once a minute, whichever environment is asked', async () => {
  const { zone, environment, request } = makeZone();
  const key = newKey();
  const [one, other] = [environment(), environment()];
  const first = await one.get(key, request);
  expect(await other.get(key, request)).toEqual(first);
  const second = await one.renew(key, first, request);
  expect(second?.accessToken).toBe('token-2');
  // The other one's memory has the refused one still, and fetches none.
  expect(await other.renew(key, first, request)).toEqual(second);
  for (const each of [one, other])
    await failure(Promise.resolve(each.renew(key, second as AccessToken, request)), 'renewal_limited');
  expect(await one.get(key, request)).toEqual(second);
  zone.now += RENEWAL_INTERVAL;
  expect((await other.renew(key, second as AccessToken, request))?.accessToken).toBe('token-3');
  expect(zone.fetched).toBe(3);
});

test('one whose key is lost is replaced at once by one of another key, however often tokens were refused', async () => {
  const { zone, environment, request } = makeZone();
  const key = newKey();
  const [one, other] = [environment(), environment()];
  const second = await one.renew(key, await one.get(key, request), request);
  const lost = await other.get(key, request);
  expect(lost).toEqual(second);
  const bound = { kid: 'next', jkt: 'next' };
  const next = await other.replace(key, lost, async () => ({ ...(await request()), binding: bound }));
  expect(next?.binding).toEqual(bound);
  // The first finds it in the table.
  expect(await one.replace(key, second as AccessToken, request)).toEqual(next);
  expect(zone.fetched).toBe(3);
});

test.each<[string, Partial<AccessToken>]>([
  ['too long for the table', { accessToken: 'x'.repeat(450_000) }],
  ['with an end that is no number of the table', { expiresAt: 1e200 }],
  ['without an end', { expiresAt: undefined }],
])('for a token %s nobody waits, and it counts as a renewal', async (_name, change) => {
  const { zone, environment, request } = makeZone();
  const key = newKey();
  const odd = async () => ({ ...(await request()), ...change });
  for (let n = 0; n < 3; n += 1) await environment().get(key, odd);
  const refused = (accessToken: string) => ({ accessToken, binding: { kid: 'k', jkt: 'k' } });
  await environment().renew(key, refused('1'), odd);
  await failure(Promise.resolve(environment().renew(key, refused('2'), odd)), 'renewal_limited');
  expect([zone.now - START, zone.fetched]).toEqual([0, 4]);
});

test('for a write that got lost, or a fetch that ended in a bug, nobody waits', async () => {
  const { zone, environment, request, watched } = makeZone();
  const key = newKey();
  const lossy: DynamoTable = {
    ...watched,
    async update(pk, change, condition) {
      if (change.includes('#token')) throw new ZonesError('aws_unavailable', 'No answer.');
      return watched.update(pk, change, condition);
    },
  };
  await environment(lossy).get(key, request);
  await expect(environment().get(key, () => Promise.reject(new TypeError('x')))).rejects.toThrow(TypeError);
  expect((await environment().get(key, request)).accessToken).toBe('token-2');
  expect(zone.now).toBe(START);
});

test('a lease or a failure by a clock that is an hour ahead blocks nobody', async () => {
  const { zone, environment, request, watched } = makeZone();
  const key = newKey();
  let pk = '';
  const get: DynamoTable['get'] = (of) => {
    pk = of;
    return watched.get(of);
  };
  const table: DynamoTable = { ...watched, get };
  await environment(table).get(key, async () => ({ ...(await request()), expiresAt: undefined }));
  const [hour, unavailable] = [zone.now + 3_600_000, { code: 'issuer_unreachable', message: '', facts: {} }];
  const when = 'attribute_exists(#lease)';
  const failure = JSON.stringify(unavailable);
  await watched.update(pk, 'SET #lease = :hour, #failedAt = :hour, #failure = :failure', {
    when,
    values: { hour, failure },
  });
  expect((await environment().get(key, request)).accessToken).toBe('token-2');
  expect(zone.now).toBe(START);
});

test('eight at once, and no token can be written: each fetches for itself, well before anybody gives up', async () => {
  const { zone, environment, request, watched } = makeZone();
  const key = newKey();
  const lossy: DynamoTable = {
    ...watched,
    async update(pk, change, condition) {
      if (change.includes('#token')) throw new ZonesError('aws_unavailable', 'No answer.');
      return watched.update(pk, change, condition);
    },
  };
  await Promise.all(Array.from({ length: 8 }, () => environment(lossy).get(key, request)));
  expect(zone.fetched).toBe(8);
  expect(zone.now - START).toBeLessThan(LEASE);
});

test('a token without a known end is given to who fetched it, and to nobody else', async () => {
  const { zone, environment, request } = makeZone();
  const key = newKey();
  const endless = async () => ({ ...(await request()), expiresAt: undefined });
  expect((await environment().get(key, endless)).accessToken).toBe('token-1');
  expect((await environment().get(key, endless)).accessToken).toBe('token-2');
  expect(zone.fetched).toBe(2);
});

test('what is in the table names neither API nor organisation, and an item of another shape counts for nothing', async () => {
  const { environment, request, watched } = makeZone();
  const key = '["client","974760673","secret-scope"]';
  const written: unknown[] = [];
  const table: DynamoTable = {
    ...watched,
    async update(...args) {
      written.push(args);
      return watched.update(...args);
    },
  };
  await environment(table).get(key, request);
  expect(JSON.stringify(written)).not.toMatch(/974760673|secret-scope/);
  const [[pk]] = written as [[string]];
  await watched.put(pk, { token: '{"accessToken":1}' });
  expect((await environment().get(key, request)).accessToken).toBe('token-2');
});
