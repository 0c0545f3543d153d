import fc from 'fast-check';
import { expect, test } from 'vitest';
import { KEY_ALARMS } from '../../infra/alarm-kinds.ts';
import type { HelseIdBehaviour } from '../fakes/self-service.ts';
import { verifyQuickly } from '../fakes/verify-jws.ts';
import { FULL, YEARS } from '../full.ts';
import { lightStack } from './stacks.ts';
import { createWorld, findLeftovers, type Kill, startWithKey, type World } from './world.ts';

const HOUR = 3600;
const DAY = 24 * HOUR;
const YEAR = 365;
/** What is declared, and days for which HelseID takes a key. */
const EVERY_DAYS = 60;
const VALID_DAYS = 90;
/** The alarm rings for somebody at fewer days left. */
const RINGS_AT = 30;
const { evaluationPeriods: STUCK_PERIODS } = KEY_ALARMS.RotationStuck.alarm;

/** What goes wrong from a day on, for so many days; a kill or a lost answer in the first rotation of that day or after it. */
interface Trouble {
  day: number;
  days: number;
  /** How HelseID behaves meanwhile. Those that accept no key of the record for a while are not here: that outage is theirs. */
  helseId?: Partial<HelseIdBehaviour> | undefined;
  kill?: Kill | undefined;
  throttled?:
    | { operation: 'createKey' | 'listKeys' | 'getPublicKey' | 'disableKey'; times: number }
    | undefined;
  /** Seconds until KMS knows a new key and Secrets Manager a new version. */
  settling?: { kms: number; secrets: number } | undefined;
}

const HELSE_ID: fc.Arbitrary<Partial<HelseIdBehaviour>> = fc.oneof(
  fc.record({
    drops: fc.constantFrom('nothing', 'when-accepted'),
    propagation: fc.constantFrom(0, 3, 20, 25, 90),
  }),
  fc.constant({ drops: 'at-once', propagation: 0 } as const),
  fc.record({
    post: fc.constantFrom('refuse', 'fail', 'register-and-fail', 'register-and-hang'),
    list: fc.constantFrom('answer', 'fail'),
  }),
);

const TROUBLE: fc.Arbitrary<Trouble> = fc.record(
  {
    // Half of them where keys are replaced, if nothing has put it off.
    day: fc.oneof(
      fc.integer({ min: 0, max: YEAR - 8 }),
      fc
        .tuple(fc.integer({ min: 1, max: 7 }), fc.integer({ min: -1, max: 2 }))
        .map(([n, d]) => 15 + 45 * n + d),
    ),
    days: fc.integer({ min: 1, max: FULL ? 2 : 1 }),
    helseId: HELSE_ID,
    kill: fc.record({
      at: fc.integer({ min: 1, max: 55 }),
      when: fc.constantFrom('before', 'after', 'lost'),
    }),
    throttled: fc.record({
      operation: fc.constantFrom('createKey', 'listKeys', 'getPublicKey', 'disableKey'),
      times: fc.integer({ min: 1, max: 3 }),
    }),
    settling: fc.record({ kms: fc.constantFrom(0, 3, 45), secrets: fc.constantFrom(0, 3, 20) }),
  },
  { requiredKeys: ['day', 'days'] },
);

const CALM = { drops: 'nothing', propagation: 0, post: 'accept', list: 'answer' } as const;

/** What a year came to. */
interface Year {
  /** Calls of zones that failed. */
  failed: string[];
  /** What somebody would have been called for. */
  rang: string[];
  /** What is not in order at its end. */
  left: string[];
  /** How often a key was replaced. */
  replaced: number;
}

/** Lives through a year of the key watch's schedules, with the rotations that they want, and traffic at every call of these. */
async function liveThrough(troubles: readonly Trouble[]): Promise<Year> {
  const world = createWorld({ stack: lightStack, verify: verifyQuickly });
  const kids = new Set([await startWithKey(world)]);
  // The record's first version is no news to anybody.
  await world.skip(HOUR);
  world.helseId.behaviour.validDays = VALID_DAYS;
  world.traffic = true;
  const rang: string[] = [];
  let kills: Kill[] = [];
  let stuck = 0;
  let failed = 0;
  const watch = async () => {
    const wanted = world.audited.length;
    const figures = await world.watch({ everyDays: EVERY_DAYS });
    await world.probe();
    for (const name of ['KeysNotUsable', 'UnknownKeys', 'PolicyDrift'])
      if (figures[name as 'UnknownKeys']) rang.push(`${name} at ${world.now()}`);
    const { DaysToExpiry = VALID_DAYS } = figures;
    stuck = figures.RotationStuck ? stuck + 1 : 0;
    // Of one that is tried each hour, and fails for what goes wrong, a ticket tells.
    const isTried = world.now() <= failed + STUCK_PERIODS * HOUR;
    const told = rang.some((alarm) => alarm.startsWith('RotationStuck'));
    if (stuck >= STUCK_PERIODS && !isTried && !told) rang.push(`RotationStuck at ${world.now()}`);
    if (DaysToExpiry < RINGS_AT) rang.push(`${DaysToExpiry} days left`);
    if (!world.audited.includes('ROTATION_WANTED', wanted)) return;
    const [kill, ...rest] = kills;
    kills = rest;
    const { error } = await world.rotate(kill ? { kill } : {});
    if (error) failed = world.now();
    for (const { kid, state } of world.record().keys) if (state === 'current') kids.add(kid);
  };
  for (let day = 0; day < YEAR; day += 1) {
    const tonight = world.now() + DAY;
    const active = begin(world, troubles, day);
    kills.push(...troubles.flatMap((trouble) => (trouble.day === day ? (trouble.kill ?? []) : [])));
    // Every day and hour has its watch; those in which it has nothing to do are left out.
    if (active || !isSettled(world) || ageOf(world) > 44 * DAY) {
      await watch();
      do {
        await world.skip(HOUR);
        await watch();
      } while (!isSettled(world) && world.now() + HOUR < tonight);
    }
    await world.skip(Math.max(0, tonight - world.now()));
  }
  await world.probe();
  const calls = world.failures.map(({ what }) => what);
  return { failed: calls, rang, left: findLeftovers(world), replaced: kids.size - 1 };
}

/** Has the day's troubles begin and those of before end; resolves to whether there are any. */
function begin(world: World, troubles: readonly Trouble[], day: number): boolean {
  const now = troubles.filter((trouble) => trouble.day <= day && day < trouble.day + trouble.days);
  Object.assign(world.helseId.behaviour, CALM, ...now.map(({ helseId }) => helseId ?? {}));
  const { kms = 0, secrets = 0 } = now.findLast(({ settling }) => settling)?.settling ?? {};
  // What KMS knows already stays known.
  for (const key of world.kms.keys.values())
    if (world.now() >= key.created + world.kms.settling) key.created -= kms;
  Object.assign(world.kms, { settling: kms });
  Object.assign(world.secrets, { settling: secrets });
  for (const { throttled } of troubles.filter((trouble) => trouble.day === day))
    if (throttled) world.kms.failNext(throttled.operation, 'ThrottlingException', throttled.times);
  return now.length > 0;
}

/** Seconds for which the current key has been that. */
function ageOf(world: World): number {
  return world.now() - (world.record().keys.find(({ state }) => state === 'current')?.since.current ?? 0);
}

/** Whether the watch has nothing to do: no key on its way, or about to retire, and nothing left over. */
function isSettled(world: World): boolean {
  return world.record().keys.every(({ state }) => state !== 'retiring') && findLeftovers(world).length === 0;
}

test('a year on schedule: whatever goes wrong, no request fails for a rotation and nobody is called', {
  timeout: FULL ? 6 * 3_600_000 : 120_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(TROUBLE, { maxLength: FULL ? 8 : 4, size: 'max' }), async (troubles) => {
      const { replaced, ...year } = await liveThrough(troubles);
      expect(year).toEqual({ failed: [], rang: [], left: [] });
      expect(replaced).toBeGreaterThanOrEqual(5);
    }),
    { numRuns: Number(process.env['YEARS'] ?? (FULL ? YEARS.full : YEARS.quick)) },
  );
});

test('it notices an issuer that takes no key for a while', async () => {
  const { failed } = await liveThrough([
    { day: 60, days: 1, helseId: { drops: 'at-once', propagation: 90 } },
  ]);
  expect(failed[0]).toMatch('call of public');
});

test.runIf(FULL)('it notices a self-service API that is down for a month', { timeout: 120_000 }, async () => {
  const { rang } = await liveThrough([{ day: 100, days: 24, helseId: { post: 'refuse' } }]);
  expect(rang).toContain('29 days left');
});
