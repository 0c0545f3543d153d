import { RETIREMENT_LEEWAY } from '@helseid-zones/protocol/record-states';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { HelseIdBehaviour } from '../fakes/self-service.ts';
import { verifyQuickly } from '../fakes/verify-jws.ts';
import { FULL, full } from '../full.ts';
import { fullStack, lightStack } from './stacks.ts';
import { createWorld, findLeftovers, type Kill, startWithKey, type World } from './world.ts';

/** What may happen to a system, in any order. After each, no call that rotation could have spoilt has failed. */
type Command = fc.AsyncCommand<Record<string, never>, World>;

/** Behaves in some way; a step of a rotation may then fail, traffic may not. */
const BEHAVIOURS: fc.Arbitrary<Partial<HelseIdBehaviour>> = fc.record(
  {
    drops: fc.constantFrom('nothing', 'at-once', 'when-accepted'),
    propagation: fc.constantFrom(0, 0, 3, 25, 90),
    post: fc.constantFrom('accept', 'accept', 'refuse', 'fail', 'register-and-fail', 'register-and-hang'),
    list: fc.constantFrom('answer', 'answer', 'fail'),
    validDays: fc.constantFrom(null, 1, 90, -1),
  },
  { requiredKeys: [] },
);

const KILLS: fc.Arbitrary<Kill> = fc.record({
  at: fc.integer({ min: 1, max: 55 }),
  when: fc.constantFrom('before', 'after'),
});

function command(name: string, run: (world: World) => Promise<unknown>): Command {
  return {
    check: () => true,
    toString: () => name,
    async run(_, world) {
      await run(world);
      await world.probe();
      expect(world.failures.filter(({ excused }) => !excused)).toEqual([]);
    },
  };
}

const COMMANDS = [
  fc.constant(command('traffic', (world) => world.probe())),
  fc.constant(command('rotate', (world) => world.rotate({ seconds: 90 }))),
  fc
    .integer({ min: 1, max: 40 })
    .map((seconds) => command(`rotate in ${seconds} s`, (world) => world.rotate({ seconds }))),
  KILLS.map((kill) =>
    command(`rotate, killed ${kill.when} ${kill.at}`, (world) => world.rotate({ kill, seconds: 90 })),
  ),
  KILLS.map((kill) =>
    command(`two rotations, one killed ${kill.when} ${kill.at}`, async (world) => {
      const tokens = [world.secrets.beginRotation(), world.secrets.beginDryRun()];
      world.traffic = false;
      await Promise.all(
        tokens.map((token, index) => world.rotate({ token, seconds: 90, ...(index ? { kill } : {}) })),
      );
      world.traffic = true;
    }),
  ),
  fc
    .constantFrom('ES256', 'ES384', 'ES512')
    .map((algorithm) =>
      command(`rotate to ${algorithm}`, (world) => world.rotate({ algorithm: algorithm as 'ES256' })),
    ),
  fc
    .integer({ min: 1, max: 90 })
    .map((seconds) => command(`${seconds} s pass`, (world) => world.pass(seconds))),
  fc.constant(command('tokens expire', (world) => world.skip(700 + RETIREMENT_LEEWAY))),
  fc.constant(command('days pass', (world) => world.skip(20 * 86_400))),
  fc
    .constantFrom('hourly', 'daily')
    .map((task) => command(`watch ${task}`, (world) => world.watch(task as 'hourly'))),
  BEHAVIOURS.map((behaviour) =>
    command(`HelseID ${JSON.stringify(behaviour)}`, async ({ helseId }) =>
      Object.assign(helseId.behaviour, behaviour),
    ),
  ),
  fc
    .constantFrom('createKey', 'listKeys', 'getPublicKey', 'getKeyPolicy', 'disableKey')
    .map((operation) =>
      command(`KMS throttles ${operation}`, async ({ kms }) =>
        kms.failNext(operation as 'createKey', 'ThrottlingException'),
      ),
    ),
  fc.constantFrom(0, 3, 70).map((seconds) =>
    command(`KMS takes ${seconds} s to know a key`, async ({ kms, now }) => {
      // What it knows already stays known.
      for (const key of kms.keys.values()) if (now() >= key.created + kms.settling) key.created -= seconds;
      kms.settling = seconds;
    }),
  ),
];

/** Whatever has happened: once HelseID behaves, two runs and the passing of time put everything in order. */
async function settle(world: World): Promise<void> {
  Object.assign(world.helseId.behaviour, { propagation: 0, post: 'accept', list: 'answer', validDays: 90 });
  for (const key of world.helseId.keys) {
    key.acceptedFrom = Math.min(key.acceptedFrom, world.now());
    // What HelseID has given up cannot be had again; an operator would register it anew.
    key.droppedAt = Number.POSITIVE_INFINITY;
    key.expires = world.now() + 90 * 86_400;
  }
  world.kms.clearFailures();
  world.kms.settling = 0;
  await world.rotate();
  if (isUnderWay(world)) await world.rotate();
  await world.skip(700 + RETIREMENT_LEEWAY);
  await world.watch('hourly');
  await world.probe();
  expect(world.failures.filter(({ excused }) => !excused)).toEqual([]);
  expect(findLeftovers(world)).toEqual([]);
}

function isUnderWay(world: World): boolean {
  const { keys } = world.record();
  const waiting = keys.some(({ state }) => !['current', 'retiring', 'retired'].includes(state));
  return waiting || keys.length < world.kms.keys.size || world.secrets.stages.has('AWSPENDING');
}

async function start(stack: typeof lightStack): Promise<World> {
  const world = createWorld({ stack, verify: verifyQuickly });
  await startWithKey(world);
  world.traffic = true;
  return world;
}

test.each([
  ['light', lightStack, FULL ? 2000 : 40, 8],
  ['full', fullStack, full(15), 6],
] as const)(
  '%s: no interleaving spoils a call',
  { timeout: 120_000 },
  async (_, stack, numRuns, maxCommands) => {
    await fc.assert(
      fc.asyncProperty(fc.commands(COMMANDS, { maxCommands, size: 'max' }), async (commands) => {
        const world = await start(stack);
        await fc.asyncModelRun(() => ({ model: {}, real: world }), commands);
        await settle(world);
      }),
      { numRuns },
    );
  },
);

test('the property notices a key that is retired too early', async () => {
  const world = await start(lightStack);
  const token = world.secrets.beginRotation();
  await world.rotate({ token });
  const [old] = world.record().keys;
  await world.rotation().store.change((record) => ({
    ...record,
    keys: record.keys.map((key) =>
      key.kid === old?.kid ? { ...key, usableUntil: key.since.retiring ?? 0 } : key,
    ),
  }));
  await world.watch('hourly');
  await world.probe();
  expect(world.failures.some(({ what, excused }) => what.startsWith('live token') && !excused)).toBe(true);
});
