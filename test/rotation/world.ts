import type { RegisteredJwk } from '@helseid-zones/client/self-service';
import type { Algorithm } from '@helseid-zones/protocol/algorithms';
import { ZonesError } from '@helseid-zones/protocol/errors';
import { helseIdProfile } from '@helseid-zones/protocol/profile';
import { type ClientRecord, parseRecord, SEED_RECORD } from '@helseid-zones/protocol/record';
import { expect } from 'vitest';
import { createClientKey, readClientKey } from '../../functions/common/client-keys.ts';
import { runChecks } from '../../functions/key-watch/checks.ts';
import type { MetricValues } from '../../functions/key-watch/metrics.ts';
import type { AdminClient, AdminDependencies } from '../../functions/rotation/settings.ts';
import { openRotation, type Rotation } from '../../functions/rotation/settings.ts';
import { STEPS } from '../../functions/rotation/steps.ts';
import { RECORD_TTL_MS } from '../../functions/signer/read-record.ts';
import { watch } from '../canaries.ts';
import { awsError } from '../fakes/in-process.ts';
import { createFakeKms, type FakeKms } from '../fakes/kms.ts';
import { createFakeSecrets, FAKE_SECRET_ARN, type FakeSecrets } from '../fakes/secrets.ts';
import { createFakeHelseId, FAKE_SELF_SERVICE, type FakeHelseId } from '../fakes/self-service.ts';
import type { VerifyJwt } from '../fakes/verify-jws.ts';
import { fullStack, type Ground, type Guard, OWNER, type Stack } from './stacks.ts';

const START = 1_790_000_000;

const SIGN = { Sid: 'Sign', Action: 'kms:Sign' };
/** Without it KMS takes no policy. */
const ADMINISTER = { Effect: 'Allow', Principal: { AWS: '*' }, Action: 'kms:PutKeyPolicy', Resource: '*' };

/** Seconds a signer keeps a record. */
const RECORD_TTL = RECORD_TTL_MS / 1000;

/** Thrown when a function is killed: nothing that runs afterwards has an effect. */
class Killed extends Error {}

/** When to kill a run: at its n-th call (from 1) to AWS or by HTTP, before or after the call has taken effect; or that call is done and its answer `lost`. */
export interface Kill {
  at: number;
  when: 'before' | 'after' | 'lost';
}

/** Resolves when a run may make its next call; so runs can go on at once, one call of one of them at a time. */
export type Turn = () => Promise<void>;

/** What became of a run of the four steps. */
interface RunResult {
  /** Calls made to AWS and by HTTP. */
  calls: string[];
  error?: unknown;
}

/** Traffic that failed, and whether HelseID accepted a recorded key just then. */
interface Failure {
  what: string;
  error: unknown;
  excused: boolean;
}

/** A whole system in this process: HelseID, KMS, Secrets Manager, zones with traffic, the admin zone's functions. */
export interface World {
  now: () => number;
  kms: FakeKms;
  secrets: FakeSecrets;
  helseId: FakeHelseId;
  /** Lets time pass; traffic goes on in every second that `traffic` is set. */
  pass(seconds: number): Promise<void>;
  /** Lets time pass at once, without traffic. */
  skip(seconds: number): Promise<void>;
  record(): ClientRecord;
  audited: string[];
  failures: Failure[];
  /** A token and an API call in each zone, and {@link useLiveTokens}; unless nothing has changed since the last time. */
  probe(): Promise<void>;
  /** An API call with a token of every key that has live ones. */
  useLiveTokens(): Promise<void>;
  /** Whether each call of a rotation is followed by {@link probe}. */
  traffic: boolean;
  /** The four steps as Secrets Manager calls them: in order until one fails; an incomplete rotation again. */
  rotate(options?: {
    kill?: Kill;
    token?: string;
    algorithm?: Algorithm;
    seconds?: number;
    turn?: Turn;
  }): Promise<RunResult>;
  /** The checks of a schedule of key-watch. */
  watch(options?: { everyDays?: number; turn?: Turn }): Promise<MetricValues>;
  /** What a step gets, for tests of a single one. */
  rotation(options?: {
    algorithm?: Algorithm;
    guard?: Guard;
    seconds?: number;
    everyDays?: number;
  }): Rotation;
  /** Text of the policy that keys shall have. */
  policy: { template: string };
}

export interface WorldOptions {
  algorithm?: Algorithm;
  body?: 'object' | 'string';
  selfRegistering?: boolean;
  longestTokenLifetime?: number;
  propagation?: number;
  /** Default: by jose. */
  verify?: VerifyJwt;
  /** Default: the full one. */
  stack?: (ground: Ground) => Stack;
}

export function createWorld(options: WorldOptions = {}): World {
  let seconds = START;
  let probed = '';
  let held: { version: string; record: ClientRecord } | undefined;
  const now = () => seconds;
  const kms = createFakeKms(now);
  const secrets = createFakeSecrets(SEED_RECORD, now);
  const helseId = createFakeHelseId(now, options.verify);
  const audited: string[] = [];
  const failures: Failure[] = [];
  const { selfRegistering = true, body = 'object', longestTokenLifetime = 600, propagation = 20 } = options;
  const declared = { algorithm: options.algorithm ?? ('ES256' as Algorithm) };

  const stack = (options.stack ?? fullStack)({ now, kms, secrets, helseId, selfRegistering, body });

  const world: World = {
    now,
    kms,
    secrets,
    helseId,
    audited,
    failures,
    traffic: false,
    policy: { template: JSON.stringify({ Version: '2012-10-17', Statement: [SIGN, ADMINISTER] }) },
    record: readRecord,
    async pass(duration) {
      for (let left = duration; left > 0; left -= 1) {
        seconds += Math.min(1, left);
        if (world.traffic) await world.probe();
      }
    },
    async skip(duration) {
      seconds += duration;
    },
    async probe() {
      const state = fingerprint();
      if (state === probed) return;
      probed = state;
      for (const { zone, getToken, callApi } of stack.zones)
        await attempt(`call of ${zone}`, async () => callApi(await getToken()));
      await world.useLiveTokens();
    },
    async useLiveTokens() {
      // All tokens of one key fare alike, in every zone: one of each will do.
      for (const [kid, accessToken] of helseId.liveTokens())
        for (const { zone, callApi } of stack.zones.slice(-1))
          await attempt(`live token of ${kid} in ${zone}`, () => callApi({ accessToken, kid }));
    },
    rotation({
      algorithm = declared.algorithm,
      guard = runFreely,
      seconds: time = 240,
      everyDays = 60,
    } = {}) {
      const client: AdminClient = {
        system: 'journal',
        zone: 'admin',
        client: OWNER.client,
        secretArn: FAKE_SECRET_ARN,
        signerArn: '',
        config: { ...OWNER, tenancy: 'single-tenant', profile: helseIdProfile },
        algorithm,
        everyDays,
        longestTokenLifetime,
        propagation,
        ...(selfRegistering
          ? { selfService: { baseUrl: FAKE_SELF_SERVICE, audience: 'a', scope: 's', body } }
          : {}),
        policy: {},
        policyValues: { account: '', signingVpc: '' },
      };
      const dependencies: AdminDependencies = {
        kms: guardPort('kms', kms, guard),
        secrets: guardPort('secrets', secrets, guard),
        clock: { now, wait: (duration) => guard('wait', () => world.pass(duration)) },
        signer: () => ({ sign: () => Promise.reject(new Error('the stack signs')) }),
        audit: (code, facts) => {
          watch(facts, 'a line of the audit');
          audited.push(code);
        },
      };
      return {
        ...openRotation(client, dependencies, now() + time),
        policyOf: (name) => world.policy.template.replace('kms:Sign', `kms:Sign/${name}`),
        helseId: stack.helseId(guard),
      };
    },
    watch: async ({ turn, ...options } = {}) => {
      const guard: Guard = async (_, call) => {
        await turn?.();
        return call();
      };
      return watch(await runChecks(world.rotation({ ...options, seconds: 0, guard })), 'a metric');
    },
    async rotate({ kill, token = secrets.beginRotation(), turn, ...rest } = {}) {
      const calls: string[] = [];
      let dead = false;
      const guard: Guard = async (name, call) => {
        await turn?.();
        if (dead) throw new Killed();
        if (name !== 'wait') calls.push(name);
        const here = name !== 'wait' && kill?.at === calls.length;
        dead = here && kill?.when === 'before';
        if (dead) throw new Killed();
        try {
          const answer = await call();
          if (here && kill?.when === 'lost') throw lostAnswer(name);
          return answer;
        } finally {
          if (world.traffic) await world.probe();
          dead = here && kill?.when !== 'lost';
          // biome-ignore lint/correctness/noUnsafeFinally: a killed function gets neither answer nor error.
          if (dead) throw new Killed();
        }
      };
      const rotation = world.rotation({ ...rest, guard });
      try {
        for (const step of Object.values(STEPS)) await step(rotation, token);
      } catch (error) {
        return { calls, error: watch(error, 'an error') };
      }
      return { calls };
    },
  };

  /** All that traffic can notice. Tokens and caches age too, so some of the time counts. */
  function fingerprint(): string {
    const version = secrets.stages.get('AWSCURRENT') ?? '';
    let text = `${version} ${Math.floor(now() / RECORD_TTL)}`;
    for (const { kid, keyArn } of world.record().keys)
      text += ` ${helseId.accepts(kid)} ${kms.keys.get(keyArn)?.status}`;
    return text;
  }

  /** The record that is current; a version never changes, so it is read once. */
  function readRecord(): ClientRecord {
    const version = secrets.stages.get('AWSCURRENT') ?? '';
    if (held?.version !== version)
      held = { version, record: parseRecord(secrets.textOf(version) ?? '', OWNER) };
    return held.record;
  }

  async function attempt(what: string, run: () => Promise<unknown>): Promise<void> {
    try {
      await run();
    } catch (error) {
      const { keys } = world.record();
      const accepted = keys.some(({ kid, state }) => state !== 'retired' && helseId.accepts(kid));
      const current = keys.find(({ state }) => state === 'current')?.kid;
      // An expired key is no work of rotation's, but of nobody having rotated.
      const expired = helseId.keys.some(({ kid, expires }) => kid === current && (expires ?? now()) < now());
      const needsToken = !what.startsWith('live');
      failures.push({
        what: `${what} at ${now() - START}`,
        error: watch(error, 'an error'),
        excused: needsToken && (!accepted || expired),
      });
    }
  }

  return world;
}

/** Leads a world through its bootstrap: first run, registration by the operator, second run. */
export async function bootstrap(world: World): Promise<string> {
  await world.rotate();
  const [key] = world.record().keys;
  if (!key) throw new Error('the first run has made no key');
  world.helseId.registerByHand(await readJwk(world, key.kid));
  await world.rotate();
  return key.kid;
}

/** Puts a world where {@link bootstrap} leads it, without the way there: with one current key, registered by hand. */
export async function startWithKey(world: World): Promise<string> {
  const { kms, secrets, helseId, now } = world;
  const keyArn = await createClientKey(
    kms,
    {
      system: 'journal',
      client: OWNER.client,
      algorithm: 'ES256',
      policy: world.rotation().policyOf('ES256'),
    },
    'start',
  );
  const { kid } = await readClientKey(kms, { keyArn, algorithm: 'ES256' });
  const at = now();
  const since = { created: at, registered: at, verified: at, current: at };
  const key = { kid, keyArn, algorithm: 'ES256', state: 'current', since } as const;
  const record: ClientRecord = { version: 1, ...OWNER, keys: [key] };
  await secrets.putSecretValue({ SecretId: FAKE_SECRET_ARN, SecretString: JSON.stringify(record) });
  helseId.registerByHand(await readJwk(world, kid));
  return kid;
}

/** The public JWK that an operator registers. */
export async function readJwk(world: World, kid: string): Promise<RegisteredJwk> {
  const key = world.record().keys.find((entry) => entry.kid === kid);
  if (!key) throw new Error('no such key');
  const { publicKey } = await readClientKey(world.kms, key);
  return { ...publicKey, kid, alg: key.algorithm, use: 'sig' };
}

/** What the caller of a call by that name throws when its answer does not come: an SDK's clients, or the token client's. */
function lostAnswer(name: string): Error {
  if (/^(kms|secrets):/.test(name)) return awsError('TimeoutError');
  if (name === 'lambda:Invoke') return new ZonesError('signer_unavailable', 'No answer.');
  return new ZonesError('api_unreachable', 'No answer.', { facts: { network: 'reset' } });
}

const runFreely: Guard = (_, call) => call();

/** A port whose calls the guard stands around, by names like `kms:CreateKey`. */
function guardPort<Port extends object>(prefix: string, port: Port, guard: Guard): Port {
  const calls = Object.entries(port).map(([name, call]) => [
    name,
    (input: unknown) =>
      guard(`${prefix}:${name.charAt(0).toUpperCase()}${name.slice(1)}`, () => call.call(port, input)),
  ]);
  return Object.fromEntries(calls);
}

/** A rotation that comes through: without an error, or a call that failed meanwhile, and with nothing left over. */
export async function rotates(world: World, options?: Parameters<World['rotate']>[0]): Promise<void> {
  expect((await world.rotate(options)).error).toBeUndefined();
  expect(world.failures).toEqual([]);
  expect(findLeftovers(world)).toEqual([]);
}

/** What is not as it shall be once a rotation has come through: empty when all is. */
export function findLeftovers(world: World): string[] {
  const { keys } = world.record();
  const leftovers: string[] = [];
  const inRecord = new Set(keys.map(({ keyArn }) => keyArn));
  for (const arn of world.kms.keys.keys())
    if (!inRecord.has(arn)) leftovers.push(`${arn} is outside the record`);
  for (const { kid } of world.helseId.keys)
    if (!keys.some((key) => key.kid === kid)) leftovers.push(`${kid} at HelseID is outside the record`);
  if (world.secrets.stages.has('AWSPENDING')) leftovers.push('AWSPENDING is left');
  if (keys.filter(({ state }) => state === 'current').length !== 1) leftovers.push('not one current key');
  for (const { kid, state, keyArn } of keys) {
    if (['created', 'registered', 'verified'].includes(state)) leftovers.push(`${kid} is still ${state}`);
    const enabled = world.kms.keys.get(keyArn)?.status === 'Enabled';
    if (enabled === (state === 'retired'))
      leftovers.push(`${kid} is ${state} and ${enabled ? 'enabled' : 'disabled'}`);
  }
  return leftovers;
}
