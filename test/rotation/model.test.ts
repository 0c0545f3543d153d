import { isZonesError } from '@helseid-zones/protocol/errors';
import type { KeyState } from '@helseid-zones/protocol/record';
import { findKey, NEXT_STATES, RETIREMENT_LEEWAY } from '@helseid-zones/protocol/record-states';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { STEPS } from '../../functions/rotation/steps.ts';
import { coded } from '../coded.ts';
import type { HelseIdBehaviour } from '../fakes/self-service.ts';
import { verifyQuickly } from '../fakes/verify-jws.ts';
import { FULL, full } from '../full.ts';
import { fullStack, type Guard, lightStack } from './stacks.ts';
import { createWorld, findLeftovers, type Kill, startWithKey, type Turn, type World } from './world.ts';

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
  fc.constant(command('watch', (world) => world.watch())),
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
  await world.watch();
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
  ['light', lightStack, FULL ? 2000 : 12, 8],
  ['full', fullStack, full(15), 6],
] as const)(
  '%s: interleavings at random spoil no call',
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
  await world.watch();
  await world.probe();
  expect(world.failures.some(({ what, excused }) => what.startsWith('live token') && !excused)).toBe(true);
});

/** Whose calls come next, and how many of them. */
type Order = readonly (readonly [run: number, calls: number])[];

/** Lets `runs` go on at once, one call of one of them at a time, in this order; then the first that is left goes on alone. */
function takeTurns<T>(runs: readonly ((turn: Turn) => Promise<T>)[], order: Order): Promise<T[]> {
  const next = order.flatMap(([run, calls]) => Array<number>(calls).fill(run));
  const waiting = new Map<number, () => void>();
  const alive = new Set(runs.keys());
  const goOn = () => {
    if (waiting.size < alive.size) return;
    let run = next.shift();
    while (run !== undefined && !alive.has(run)) run = next.shift();
    run ??= Math.min(...alive);
    const go = waiting.get(run);
    waiting.delete(run);
    go?.();
  };
  return Promise.all(
    runs.map(async (run, index) => {
      const turn: Turn = () =>
        new Promise((go) => {
          waiting.set(index, go);
          goOn();
        });
      try {
        return await run(turn);
      } finally {
        alive.delete(index);
        goOn();
      }
    }),
  );
}

/**
 * Fails at a record that has lost a key, that has two current ones or none, or a key in a state that does not follow. One that has
 * been registered is not given up: HelseID may have dropped the others for it.
 */
function followRecord(world: World): () => void {
  let before = world.record();
  const follows = (from: KeyState, to: KeyState): boolean =>
    from === to ||
    NEXT_STATES[from].some(
      (state) => (state !== 'retired' || from === 'created' || from === 'retiring') && follows(state, to),
    );
  return () => {
    const after = world.record();
    if (after === before) return;
    expect(after.keys.filter(({ state }) => state === 'current')).toHaveLength(1);
    for (const { kid, state } of before.keys)
      expect(follows(state, findKey(after, kid)?.state ?? 'created'), `${kid} was ${state}`).toBe(true);
    before = after;
  };
}

interface Together {
  /** Whether Secrets Manager has invoked one rotation twice, or has begun two. */
  same: boolean;
  /** What the second rotation was deployed with. */
  algorithm: 'ES256' | 'ES384';
  behaviour: Pick<HelseIdBehaviour, 'drops' | 'propagation'>;
}

const ONE_TWICE = {
  same: true,
  algorithm: 'ES256',
  behaviour: { drops: 'nothing', propagation: 0 },
} as const;

/**
 * Two rotations and the key watch at once, over a record with a key that is due to retire: as without reserved concurrency.
 * Resolves to how many calls the first rotation made.
 */
async function runTogether(
  stack: typeof lightStack,
  { same, algorithm, behaviour }: Together,
  order: Order,
): Promise<number> {
  const world = await start(stack);
  await world.rotate();
  await world.skip(700 + RETIREMENT_LEEWAY);
  Object.assign(world.helseId.behaviour, behaviour);
  world.kms.beforeSign = () => {
    const arn = world.kms.calls.at(-1)?.input['KeyId'];
    const kid = world.record().keys.find(({ keyArn }) => keyArn === arn)?.kid;
    expect(world.helseId.keys.map((key) => key.kid)).toContain(kid);
  };
  const token = world.secrets.beginRotation();
  const other = same ? token : world.secrets.beginDryRun();
  const check = followRecord(world);
  const checked = (turn: Turn) => async () => {
    check();
    await turn();
  };
  const results = await takeTurns(
    [
      (turn) => world.rotate({ token, seconds: 90, turn: checked(turn) }),
      (turn) => world.rotate({ token: other, seconds: 90, turn: checked(turn), algorithm }),
      async (turn) => ({ calls: [], figures: await world.watch({ turn: checked(turn) }) }),
    ],
    order,
  );
  check();
  // Who comes too late says so; what AWS answers a second time is no error of ours.
  for (const { error } of results as { error?: unknown }[])
    expect(error === undefined || isZonesError(error), String(error)).toBe(true);
  const late = behaviour.drops === 'at-once' && behaviour.propagation !== 0;
  expect(world.failures.filter(({ excused }) => !(late && excused))).toEqual([]);
  await settle(world);
  check();
  return results[0]?.calls.length ?? 0;
}

const TOGETHER: fc.Arbitrary<Together> = fc.record({
  same: fc.boolean(),
  algorithm: fc.constantFrom('ES256', 'ES384'),
  behaviour: fc.record({
    drops: fc.constantFrom('nothing', 'at-once', 'when-accepted'),
    propagation: fc.constantFrom(0, 25),
  }),
});

const ORDERS: fc.Arbitrary<Order> = fc.array(
  fc.tuple(fc.integer({ min: 0, max: 2 }), fc.integer({ min: 1, max: 40 })),
  { maxLength: 8, size: 'max' },
);

describe('without reserved concurrency', () => {
  test.each([
    ['light', lightStack, FULL ? 300 : 8],
    ['full', fullStack, full(15)],
  ] as const)(
    '%s: two rotations and the watch at once lose no key and spoil no call',
    { timeout: 120_000 },
    async (_, stack, numRuns) => {
      await fc.assert(
        fc.asyncProperty(
          TOGETHER,
          ORDERS,
          async (together, order) => void (await runTogether(stack, together, order)),
        ),
        { numRuns },
      );
    },
  );

  test('a key that the other rotation disables while it is looked at is left to that one', async () => {
    const behaviour = { drops: 'nothing', propagation: 0 } as const;
    const order: Order = [
      [2, 3],
      [0, 11],
      [1, 12],
      [1, 5],
    ];
    await runTogether(lightStack, { same: false, algorithm: 'ES384', behaviour }, order);
  });

  test('one rotation, invoked twice, may come in between at a call (each, in full)', {
    timeout: 60_000,
  }, async () => {
    for (let at = 1, calls = 1; at <= calls; at += FULL ? 1 : 9)
      calls = await runTogether(lightStack, ONE_TWICE, [
        [0, at],
        [1, 100],
      ]);
  });

  test('a run that stood still while others came through posts its key no more', async () => {
    const world = await start(lightStack);
    world.helseId.behaviour.drops = 'at-once';
    const token = world.secrets.beginRotation();
    await STEPS.createSecret(world.rotation(), token);
    const calls: string[] = [];
    const guard: Guard = async (name, call) => {
      calls.push(name);
      if (name === 'GET') {
        expect((await world.rotate({ token })).error).toBeUndefined();
        expect((await world.rotate()).error).toBeUndefined();
      }
      return call();
    };
    await expect(STEPS.setSecret(world.rotation({ guard }), token)).rejects.toThrow(coded('rotation_failed'));
    expect(calls).toContain('GET');
    expect(calls).not.toContain('POST');
    await world.probe();
    expect(world.failures).toEqual([]);
  });

  test('a key that another rotation registers meanwhile is not given up for a newly declared algorithm', async () => {
    const world = await start(lightStack);
    const token = world.secrets.beginRotation();
    await STEPS.createSecret(world.rotation(), token);
    let first = true;
    const guard: Guard = async (name, call) => {
      if (name === 'secrets:PutSecretValue' && first) {
        first = false;
        await STEPS.setSecret(world.rotation(), token);
      }
      return call();
    };
    await STEPS.createSecret(world.rotation({ algorithm: 'ES384', guard }), world.secrets.beginDryRun());
    expect(first).toBe(false);
    expect(world.record().keys.map(({ state }) => state)).toEqual(['current', 'registered']);
  });
});
