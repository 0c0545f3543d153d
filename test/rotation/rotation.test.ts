import { RETIREMENT_LEEWAY } from '@helseid-zones/protocol/record-states';
import { describe, expect, test } from 'vitest';
import { STEPS } from '../../functions/rotation/steps.ts';
import { FAKE_SECRET_ARN } from '../fakes/secrets.ts';
import { OWNER } from './stacks.ts';
import {
  bootstrap,
  createWorld,
  findLeftovers,
  readJwk,
  rotates,
  type World,
  type WorldOptions,
} from './world.ts';

const states = (world: World) => world.record().keys.map(({ state }) => state);
const code = (error: unknown) => (error as { code?: string } | undefined)?.code;

async function started(options: WorldOptions = {}): Promise<World> {
  const world = createWorld(options);
  await bootstrap(world);
  world.audited.length = 0;
  return world;
}

describe('bootstrap', () => {
  test('the first run makes a key and ends cleanly, however often it is repeated', async () => {
    const world = createWorld();
    for (const _ of [1, 2, 3]) expect((await world.rotate()).error).toBeUndefined();
    expect(states(world)).toEqual(['created']);
    expect(world.kms.keys.size).toBe(1);
    expect(world.secrets.stages.has('AWSPENDING')).toBe(false);
    expect(world.audited).toContain('ROTATION_WAITS_FOR_REGISTRATION');
  });

  test('after the operator has registered it, the next run makes it current', async () => {
    const world = createWorld();
    await bootstrap(world);
    expect(states(world)).toEqual(['current']);
    expect(world.audited).toEqual([
      'KEY_CREATED',
      'ROTATION_WAITS_FOR_REGISTRATION',
      'KEY_REGISTERED',
      'KEY_VERIFIED',
      'KEY_CURRENT',
    ]);
  });

  test('an error other than "no such key" is no waiting', async () => {
    const world = createWorld();
    world.kms.failNext('Sign', 'KMSInternalException', 1, 500);
    expect(code((await world.rotate()).error)).toBe('kms_unavailable');
  });

  test('where there is no self-service API, every key waits for the operator', async () => {
    const world = await started({ selfRegistering: false });
    await world.rotate();
    expect(states(world)).toEqual(['current', 'created']);
    world.helseId.registerByHand(await readJwk(world, world.record().keys[1]?.kid ?? ''));
    await world.rotate();
    expect(states(world)).toEqual(['retiring', 'current']);
  });
});

describe('a rotation', () => {
  test('replaces the key with traffic running, and notes the expiry', async () => {
    const world = await started();
    world.traffic = true;
    await rotates(world);
    const [old, current] = world.record().keys;
    expect([old?.state, current?.state]).toEqual(['retiring', 'current']);
    expect(old?.usableUntil).toBe((old?.since.retiring ?? 0) + 600 + RETIREMENT_LEEWAY);
    expect(current?.expires).toBe(world.helseId.keys[1]?.expires);
  });

  test.each(['object', 'string'] as const)('registers the JWK as a JSON %s', async (body) => {
    const world = await started({ body });
    world.helseId.behaviour.body = body === 'object' ? 'string' : 'object';
    expect(code((await world.rotate()).error)).toBe('self_service_refused');
    world.helseId.behaviour.body = body;
    expect((await world.rotate()).error).toBeUndefined();
    expect(world.helseId.keys[1]?.jwk).toEqual(await readJwk(world, world.record().keys[1]?.kid ?? ''));
  });

  test.each(['iso', 'epoch'] as const)('reads an expiry written as %s', async (expiration) => {
    const world = await started();
    world.helseId.behaviour.expiration = expiration;
    await world.rotate();
    expect(world.record().keys[1]?.expires).toBe(world.helseId.keys[1]?.expires);
  });

  test('copes with keys that never expire, and with a nonce', async () => {
    const world = await started();
    Object.assign(world.helseId.behaviour, { validDays: null, nonceRequired: true });
    expect((await world.rotate()).error).toBeUndefined();
    expect(world.record().keys[1]?.expires).toBeUndefined();
  });

  test('changes the algorithm, and back, with traffic running', async () => {
    const world = await started();
    world.traffic = true;
    for (const algorithm of ['PS256', 'ES256'] as const) {
      expect((await world.rotate({ algorithm })).error).toBeUndefined();
      await world.pass(60);
    }
    expect(world.record().keys.map((key) => key.algorithm)).toEqual(['ES256', 'PS256', 'ES256']);
    expect(world.failures).toEqual([]);
  });

  test('the dry run of a schedule touches nothing', async () => {
    const world = await started();
    const before = JSON.stringify(world.record());
    await STEPS.testSecret(world.rotation(), world.secrets.beginDryRun());
    expect(JSON.stringify(world.record())).toBe(before);
    expect(world.kms.keys.size).toBe(1);
  });

  test('two at once make one key current, and leave none astray', async () => {
    const world = await started();
    const tokens = [world.secrets.beginDryRun(), world.secrets.beginDryRun()];
    const runs = await Promise.all(tokens.map((token) => world.rotate({ token })));
    for (const { error } of runs) expect(error).toBeUndefined();
    expect(states(world).filter((state) => state === 'current')).toHaveLength(1);
    expect(world.kms.keys.size).toBe(world.record().keys.length);
    await world.probe();
    await world.rotate();
    expect(findLeftovers(world)).toEqual([]);
    expect(world.failures).toEqual([]);
  });

  test('writes no more than six versions', async () => {
    const world = await started();
    const before = world.secrets.writes;
    await world.rotate();
    expect(world.secrets.writes - before).toBeLessThanOrEqual(6);
  });
});

describe('the self-service API', () => {
  test.each([
    ['refuses', 'refuse', 'self_service_refused'],
    ['fails', 'fail', 'self_service_unreachable'],
  ] as const)('%s: the current key stays, and a later run heals it', async (_, post, expected) => {
    const world = await started();
    world.traffic = true;
    world.helseId.behaviour.post = post;
    const { error } = await world.rotate();
    expect(code(error)).toBe(expected);
    expect(error).not.toHaveProperty('facts.detail');
    expect(states(world)).toEqual(['current', 'registered']);
    world.helseId.behaviour.post = 'accept';
    await rotates(world);
  });

  test('is down, and a person registers the key: the rotation goes on', async () => {
    const world = await started();
    Object.assign(world.helseId.behaviour, { post: 'fail', list: 'fail' });
    expect(code((await world.rotate()).error)).toBe('self_service_unreachable');
    world.helseId.registerByHand(await readJwk(world, world.record().keys[1]?.kid ?? ''));
    await rotates(world);
    expect(world.audited).toContain('KEY_REGISTERED_BY_HAND');
  });

  test.each(['register-and-fail', 'register-and-hang'] as const)(
    '%s: what it lists decides, and nothing is posted twice',
    async (post) => {
      const world = await started();
      world.helseId.behaviour.post = post;
      const { error, calls } = await world.rotate();
      expect(error).toBeUndefined();
      expect(calls.filter((call) => call.startsWith('POST https://self-service'))).toHaveLength(1);
      expect(findLeftovers(world)).toEqual([]);
    },
  );

  test('fails after having registered, and does not list any more: a token tells', async () => {
    const world = await started();
    world.traffic = true;
    Object.assign(world.helseId.behaviour, { post: 'register-and-fail', drops: 'at-once' });
    const original = world.helseId.fetch;
    let posted = false;
    world.helseId.fetch = async (input, init) => {
      if (input.includes('client-secret') && posted) world.helseId.behaviour.list = 'fail';
      posted ||= input.includes('client-secret') && init?.method === 'POST';
      return original(input, init);
    };
    await rotates(world);
    expect(world.helseId.keys).toHaveLength(2);
  });

  test('reports an expiry in the past: no switch, until it reports another', async () => {
    const world = await started();
    world.helseId.behaviour.validDays = -1;
    const { error } = await world.rotate();
    expect(error).toMatchObject({ code: 'rotation_failed', facts: { expires: expect.any(Number) } });
    expect(states(world)).toEqual(['current', 'registered']);
    const [, key] = world.helseId.keys;
    if (key) key.expires = world.now() + 86_400;
    expect((await world.rotate()).error).toBeUndefined();
    expect(states(world)).toEqual(['retiring', 'current']);
  });

  test('answers with an expiry that is no time: the rotation goes on, and the record stays whole', async () => {
    const world = await started();
    world.traffic = true;
    world.helseId.behaviour.expiration = 'unset';
    expect((await world.rotate()).error).toBeUndefined();
    expect(await world.watch()).toMatchObject({ WatchFailed: 0 });
    expect(await world.watch()).toMatchObject({ UnknownKeys: 0 });
    await world.skip(60);
    await world.probe();
    expect(world.failures).toEqual([]);
    expect(findLeftovers(world)).toEqual([]);
  });
});

describe('HelseID', () => {
  test('never accepts the new key: the current one stays, and a later run heals it', async () => {
    const world = await started();
    world.traffic = true;
    world.helseId.behaviour.propagation = Number.POSITIVE_INFINITY;
    const before = world.now();
    const { error } = await world.rotate({ seconds: 100 });
    expect(error).toMatchObject({ code: 'rotation_failed', facts: { reason: 'token_refused' } });
    expect(world.now() - before).toBeGreaterThan(90);
    expect(world.now() - before).toBeLessThanOrEqual(100);
    expect(world.failures).toEqual([]);
    for (const key of world.helseId.keys) key.acceptedFrom = 0;
    await rotates(world);
  });

  test('drops the old key and never accepts the new one: an outage, which heals when HelseID does', async () => {
    const world = await started();
    world.traffic = true;
    Object.assign(world.helseId.behaviour, { drops: 'at-once', propagation: Number.POSITIVE_INFINITY });
    expect(code((await world.rotate({ seconds: 60 })).error)).toBe('rotation_failed');
    expect(world.failures.length).toBeGreaterThan(0);
    expect(world.failures.every(({ excused }) => excused)).toBe(true);
    for (const key of world.helseId.keys) key.acceptedFrom = 0;
    world.failures.length = 0;
    await world.probe();
    await rotates(world);
  });

  test('accepts a key at once: it is tested again when every node must have heard', async () => {
    const world = await started({ propagation: 20 });
    const before = world.now();
    await world.rotate();
    expect(world.now() - before).toBeGreaterThanOrEqual(20);
  });

  test('is waited for as long as there is time; a signer that fails is not', async () => {
    const world = await started();
    const [current] = world.kms.keys.values();
    if (current) current.status = 'PendingDeletion';
    const before = world.now();
    const { error } = await world.rotate({ seconds: 800 });
    expect(error).toMatchObject({ code: 'rotation_failed', facts: { reason: 'key_not_usable' } });
    expect(world.now() - before).toBeLessThanOrEqual(120);
  });

  test('has the new key by hand, where KMS has lost the current one and nothing else can be asked with', async () => {
    const world = await started();
    const [current] = world.kms.keys.values();
    if (current) current.status = 'PendingDeletion';
    expect(code((await world.rotate()).error)).toBe('rotation_failed');
    expect(states(world)).toEqual(['current', 'registered']);
    expect(code((await world.rotate()).error)).toBe('rotation_failed');
    world.helseId.registerByHand(await readJwk(world, world.record().keys[1]?.kid ?? ''));
    expect((await world.rotate()).error).toBeUndefined();
    expect(states(world)).toEqual(['retiring', 'current']);
    expect(world.audited).toContain('KEY_REGISTERED_BY_HAND');
    await world.rotate();
    expect(states(world)).toEqual(['retiring', 'retiring', 'current']);
  });

  test('takes longer than the function has: the next run goes on', async () => {
    const world = await started({ propagation: 40 });
    expect(code((await world.rotate({ seconds: 10 })).error)).toBe('rotation_failed');
    await world.pass(40);
    expect((await world.rotate({ seconds: 10 })).error).toBeUndefined();
  });
});

describe('KMS', () => {
  test.each([
    'createKey',
    'describeKey',
    'getPublicKey',
    'getKeyPolicy',
    'listGrants',
    'listKeys',
    'listResourceTags',
  ] as const)('throttles %s: the run fails, the next one converges', async (operation) => {
    const world = await started();
    world.traffic = true;
    world.kms.failNext(operation, 'ThrottlingException');
    expect((await world.rotate()).error).toMatchObject({ name: 'ThrottlingException' });
    await rotates(world);
  });

  test('gives a new key another policy: it is retired and disabled, never registered', async () => {
    const world = await started();
    world.kms.bendPolicy = () => '{"Statement":[]}';
    expect(code((await world.rotate()).error)).toBe('rotation_failed');
    expect(states(world)).toEqual(['current', 'retired']);
    expect([...world.kms.keys.values()].map(({ status }) => status)).toEqual(['Enabled', 'Disabled']);
    expect(world.audited).toContain('KEY_UNFIT');
    world.kms.bendPolicy = undefined;
    await rotates(world);
    expect(world.helseId.keys).toHaveLength(2);
  });

  test('has granted a new key to somebody before its policy was put right: it never becomes current', async () => {
    const world = await started();
    const { listGrants } = world.kms;
    world.kms.listGrants = async () => ({ Grants: [{ GranteePrincipal: 'arn:aws:iam::999999999999:root' }] });
    expect(code((await world.rotate()).error)).toBe('rotation_failed');
    expect(states(world)).toEqual(['current', 'retired']);
    expect(world.helseId.keys).toHaveLength(1);
    world.kms.listGrants = listGrants;
    await rotates(world);
  });

  test('gives the policy back written otherwise: that is the same', async () => {
    const world = await started();
    world.kms.bendPolicy = (policy) =>
      JSON.stringify(JSON.parse(policy), null, 2).replace(/"kms:Sign[^"]*"/, '[$&]');
    expect((await world.rotate()).error).toBeUndefined();
  });

  test.each(['Disabled', 'PendingDeletion'] as const)('has the candidate %s', async (state) => {
    const world = await started();
    world.helseId.behaviour.post = 'fail';
    await world.rotate();
    world.helseId.behaviour.post = 'accept';
    const [, candidate] = world.record().keys;
    const key = world.kms.keys.get(candidate?.keyArn ?? '');
    if (key) key.status = state;
    world.secrets.move('AWSPENDING', world.secrets.stages.get('AWSCURRENT') ?? '');
    expect((await world.rotate()).error).toBeUndefined();
    expect(states(world)).toEqual(
      state === 'Disabled' ? ['retiring', 'current'] : ['retiring', 'retired', 'current'],
    );
  });

  test('loses a candidate that is verified already: it retires, and another is made', async () => {
    const world = await started();
    const token = world.secrets.beginRotation();
    const { createSecret, setSecret, testSecret } = STEPS;
    for (const step of [createSecret, setSecret, testSecret]) await step(world.rotation(), token);
    const [, verified] = world.record().keys;
    expect(verified?.state).toBe('verified');
    const key = world.kms.keys.get(verified?.keyArn ?? '');
    if (key) key.status = 'PendingDeletion';
    world.secrets.move('AWSPENDING', world.secrets.stages.get('AWSCURRENT') ?? '');
    expect((await world.rotate()).error).toBeUndefined();
    expect(states(world)).toEqual(['retiring', 'retired', 'current']);
  });

  test('has keys of others, whose tags may not be read', async () => {
    const world = await started();
    const { KeyMetadata } = await world.kms.createKey({ KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' });
    world.kms.foreign.add(KeyMetadata?.Arn ?? '');
    expect((await world.rotate()).error).toBeUndefined();
    expect(world.record().keys).toHaveLength(2);
  });
});

describe('the declaration changes while a key waits', () => {
  test('its algorithm: the waiting key is retired and another made', async () => {
    const world = createWorld();
    await world.rotate();
    await world.rotate({ algorithm: 'PS256' });
    expect(world.record().keys.map(({ algorithm, state }) => [algorithm, state])).toEqual([
      ['ES256', 'retired'],
      ['PS256', 'created'],
    ]);
  });

  test('its policy: likewise, unless HelseID may know the key already', async () => {
    const world = createWorld();
    await world.rotate();
    world.policy.template = world.policy.template.replace('Sign"', 'Changed"');
    await world.rotate();
    expect(states(world)).toEqual(['retired', 'created']);
    world.helseId.registerByHand(await readJwk(world, world.record().keys[1]?.kid ?? ''));
    await world.rotate();
    world.helseId.behaviour.post = 'fail';
    await world.rotate();
    world.helseId.behaviour.post = 'accept';
    world.policy.template = world.policy.template.replace('Changed"', 'Again"');
    expect((await world.rotate()).error).toBeUndefined();
    expect(states(world)).toEqual(['retired', 'retiring', 'current']);
  });
});

describe('the client id changes', () => {
  const before = { client: 'journal', clientId: 'tried-first', issuer: 'https://other-issuer.test' };

  /** A key of the client as it was declared before, which its record has in this state. */
  async function tried(
    state: 'created' | 'registered' | 'current',
    draft?: { draft: string },
  ): Promise<World> {
    const world = createWorld();
    await world.rotate();
    const { keys, ...rest } = world.record();
    if (draft) world.helseId.registerByHand(await readJwk(world, keys[0]?.kid ?? ''));
    const since = { created: 1, registered: 2, verified: 3, current: 4 };
    const moved = keys.map((key) => (state === 'created' ? { ...key, ...draft } : { ...key, state, since }));
    const issuer = draft ? OWNER.issuer : before.issuer;
    const record = { ...rest, ...before, issuer, keys: moved };
    const id = 'tried'.repeat(8);
    await world.secrets.putSecretValue({
      SecretId: FAKE_SECRET_ARN,
      ClientRequestToken: id,
      SecretString: JSON.stringify(record),
    });
    world.audited.length = 0;
    return world;
  }

  test('with no key beyond created: that key retires, and the new client gets one of its own', async () => {
    const world = await tried('created');
    await world.watch();
    expect([...world.kms.keys.values()].map(({ status }) => status)).toEqual(['Disabled']);
    expect(world.audited).toEqual(
      expect.arrayContaining(['RECORD_OWNER_CHANGED', 'KEY_RETIRED', 'KEY_DISABLED', 'ROTATION_WANTED']),
    );
    await bootstrapAfter(world);
    expect(states(world)).toEqual(['retired', 'current']);
    expect(findLeftovers(world)).toEqual([]);
  });

  test('rotation alone does the same', async () => {
    const world = await tried('created');
    await bootstrapAfter(world);
    expect(states(world)).toEqual(['retired', 'current']);
  });

  test('and a draft has registered a key for the new one: the next rotation makes it current', async () => {
    const world = await tried('created', { draft: OWNER.clientId });
    await world.skip(60);
    expect((await world.rotate()).error).toBeUndefined();
    expect(world.record()).toMatchObject({ ...OWNER, keys: [{ state: 'current' }] });
  });

  test.each(['registered', 'current'] as const)('with a %s key nothing is given away', async (state) => {
    const world = await tried(state);
    expect(code((await world.rotate()).error)).toBe('record_invalid');
    expect(await world.watch()).toMatchObject({ WatchFailed: 1 });
    expect(world.kms.keys.size).toBe(1);
    expect(world.audited).not.toContain('RECORD_OWNER_CHANGED');
  });

  async function bootstrapAfter(world: World): Promise<void> {
    await world.rotate();
    expect(states(world)).toEqual(['retired', 'created']);
    world.helseId.registerByHand(await readJwk(world, world.record().keys[1]?.kid ?? ''));
    await world.rotate();
  }
});

describe('a record version is restored', () => {
  test('a key made since is found by its tags and taken up again', async () => {
    const world = await started();
    const before = world.secrets.stages.get('AWSCURRENT') ?? '';
    world.helseId.behaviour.drops = 'at-once';
    await world.rotate();
    const [, made] = world.record().keys;
    world.secrets.move('AWSCURRENT', before);
    expect(states(world)).toEqual(['current']);
    await rotates(world);
    expect(world.record().keys.find(({ state }) => state === 'current')?.kid).toBe(made?.kid);
    expect(world.kms.keys.size).toBe(2);
  });

  test('a key that was disabled since is enabled again', async () => {
    const world = await started();
    await world.rotate();
    const before = world.secrets.stages.get('AWSCURRENT') ?? '';
    await world.pass(600 + RETIREMENT_LEEWAY);
    await world.watch();
    expect(states(world)).toEqual(['retired', 'current']);
    world.secrets.move('AWSCURRENT', before);
    await world.rotate();
    const [first] = world.record().keys;
    expect(first?.state).toBe('retiring');
    expect(world.kms.keys.get(first?.keyArn ?? '')?.status).toBe('Enabled');
  });
});

test('a plan that a newer release has written is left alone, and the failure says what to deploy', async () => {
  const world = await started();
  const token = world.secrets.beginRotation();
  await world.secrets.putSecretValue({
    SecretId: world.rotation().secretArn,
    ClientRequestToken: token,
    SecretString: '{"version":2,"plan":"rotation","keys":["x"]}',
    VersionStages: ['AWSPENDING'],
  });
  expect((await world.rotate()).error).toMatchObject({ code: 'version_unknown', facts: { version: 2 } });
  expect([world.kms.keys.size, world.secrets.stages.get('AWSPENDING')]).toEqual([1, token]);
});

describe('the harness notices', () => {
  test('traffic that fails although HelseID accepts a recorded key', async () => {
    const world = await started();
    const [key] = world.kms.keys.values();
    if (key) key.status = 'Disabled';
    await world.probe();
    expect(world.failures.some(({ excused }) => !excused)).toBe(true);
    expect(findLeftovers(world).join()).toContain('disabled');
  });

  test('a key that is posted before the record says so', async () => {
    const world = await started();
    world.helseId.behaviour.drops = 'at-once';
    // createSecret, and then what setSecret would do without writing ahead, killed after the POST.
    const token = world.secrets.beginRotation();
    const rotation = world.rotation();
    await STEPS.createSecret(rotation, token);
    const [, made] = world.record().keys;
    await rotation.helseId.selfService().registerKey(await readJwk(world, made?.kid ?? ''));
    await world.probe();
    // HelseID accepts only the new key, and nobody asks for it.
    expect(world.failures.length).toBeGreaterThan(0);
    expect(
      world.failures.filter(({ what }) => what.startsWith('call')).every(({ excused }) => !excused),
    ).toBe(true);
  });

  test('keys outside the record', async () => {
    const world = await started();
    await world.kms.createKey({ KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' });
    world.helseId.registerByHand({ kty: 'EC', kid: 'foreign' });
    expect(findLeftovers(world)).toHaveLength(2);
  });
});
