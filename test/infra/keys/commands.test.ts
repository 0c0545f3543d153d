import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RegisteredJwk } from '@helseid-zones/client/self-service';
import { ZonesError } from '@helseid-zones/protocol/errors';
import { beforeEach, describe, expect, test } from 'vitest';
import type { ClientDeclaration } from '../../../infra/declaration/schema.ts';
import { COMMANDS } from '../../../infra/keys/commands.ts';
import type { Operator, OperatorKms } from '../../../infra/keys/operator.ts';
import { readKeyOptions } from '../../../infra/keys/options.ts';
import { renderKeyPolicy } from '../../../infra/render-key-policy.ts';
import { coded } from '../../coded.ts';
import { FAKE_SECRET_ARN } from '../../fakes/secrets.ts';
import { FAKE_CLIENT_ID, FAKE_ISSUER, FAKE_SELF_SERVICE } from '../../fakes/self-service.ts';
import { sampled } from '../../full.ts';
import { ACCOUNT } from '../../local/aws/harness.ts';
import shipped from '../../one-client.zones.ts';
import { bootstrap, createWorld, readJwk, type World } from '../../rotation/world.ts';
import { newFolder } from '../../temporary.ts';

const PLACE = { account: ACCOUNT, signingVpc: 'vpc-1' };
const RENDERED = JSON.stringify(
  renderKeyPolicy({ system: 'journal', client: 'journal', algorithm: 'ES256', ...PLACE }),
);

interface Counter {
  operator: Operator;
  lines: string[];
  questions: string[];
  /** What the operator answers. */
  answer: boolean;
  deleted: string[];
  /** Functions with their events. */
  invoked: string[];
  /** Log of the rotation function. */
  log: string[];
  /** What a function invoked wrote at last. */
  tail: string;
}

/** The end of key-watch's log: its first line cut off, Lambda's own lines in between. */
const LOG = [
  'ient":"journal","code":"CUT_OFF"}',
  'START RequestId: 1 Version: $LATEST',
  JSON.stringify({ level: 'INFO', message: 'm', code: 'KEY_UNKNOWN', client: 'journal', kid: 'foreign' }),
  JSON.stringify({ _aws: {}, client: 'journal', UnknownKeys: 1, SurplusKeys: 0, DaysToExpiry: 29 }),
  'END RequestId: 1',
].join('\n');

let world: World;
let counter: Counter;

const notAsked = () => Promise.reject(new Error('no key command calls it'));

/** A operator over the simulated system; a rotation that it begins runs while it waits. */
function openCounter(clients: Record<string, ClientDeclaration> = shipped.clients): Counter {
  const [shippedClient] = Object.values(clients) as [ClientDeclaration];
  const declared: ClientDeclaration = {
    ...shippedClient,
    clientId: FAKE_CLIENT_ID,
    issuer: FAKE_ISSUER,
    selfService: { baseUrl: FAKE_SELF_SERVICE, audience: 'a', scope: 's', body: 'object' },
  };
  const lines: string[] = [];
  const questions: string[] = [];
  const deleted: string[] = [];
  const kms: OperatorKms = {
    ...world.kms,
    async putKeyPolicy({ KeyId, Policy = '' }) {
      const key = world.kms.keys.get(KeyId ?? '');
      if (key) key.policy = Policy;
    },
    async scheduleKeyDeletion({ KeyId = '', PendingWindowInDays }) {
      deleted.push(`${KeyId} ${PendingWindowInDays}`);
    },
  };
  const { secrets } = world;
  const made: Counter = {
    lines,
    questions,
    deleted,
    invoked: [],
    log: [],
    tail: LOG,
    answer: true,
    operator: {
      system: { ...shipped, clients: { ...clients, journal: declared } },
      kms,
      secrets,
      clock: {
        now: world.now,
        async wait(seconds) {
          await world.pass(seconds);
          if (!secrets.stages.has('AWSPENDING')) return;
          const { error } = await world.rotate();
          if (error instanceof ZonesError) made.log.push(failedLine('journal', error.code));
        },
      },
      fetch: world.helseId.fetch,
      say: (line) => void lines.push(line),
      confirm: async (question) => {
        questions.push(question);
        return made.answer;
      },
      lastSignature: async () => 1_790_000_000,
      signingPlace: async () => PLACE,
      env: { HELSEID_DRAFT_API_KEY: 'api-key' },
      invoke: async (name, event) => {
        made.invoked.push(`${name} ${JSON.stringify(event)}`);
        return made.tail;
      },
      failedSteps: async () => [...made.log],
      aws: { call: notAsked, json: notAsked },
      logLines: async () => [],
      rotationLog: 'the log group of rotation',
      place: '',
      localLogs: undefined,
    },
  };
  return made;
}

/** As `runStep` writes it. */
const failedLine = (client: string, reason: string) =>
  JSON.stringify({ code: 'ROTATION_STEP_FAILED', client, step: 'setSecret', reason, at: world.now() });

const run = async (...args: string[]) => {
  const options = readKeyOptions(args);
  await COMMANDS[options.command](counter.operator, options);
};
const output = () => counter.lines.join('\n');
const states = () => world.record().keys.map(({ state }) => state);
const kid = (index: number) => world.record().keys[index]?.kid ?? '';

/** A system whose client has no key yet. */
function beginAnew() {
  world = createWorld();
  counter = openCounter();
}

beforeEach(async () => {
  world = createWorld();
  world.policy.template = RENDERED;
  await bootstrap(world);
  counter = openCounter();
});

describe('show', () => {
  test('prints every key with all that is known of it', async () => {
    await world.rotate();
    await run();
    const [, header = '', old = '', current = ''] = output().split('\n');
    expect(header).toMatch(
      /kid +algorithm +state +in KMS +created +registered +expires +last signature +tokens/,
    );
    expect(old).toMatch(new RegExp(`${kid(0)} +ES256 +retiring +Enabled.+2026-.+until 2026-`));
    expect(current).toMatch(new RegExp(`${kid(1)} +ES256 +current +Enabled.+yes$`));
    expect(counter.questions).toEqual([]);
  });

  test('says what to do where there is none', async () => {
    beginAnew();
    await run();
    expect(output()).toContain('keys -- rotate');
  });
});

describe('audit', () => {
  const signer = `arn:aws:sts::${ACCOUNT}:assumed-role/journal-signer-journal-public/s`;
  const event = (requestID: string, arn = signer) => ({
    eventSource: 'kms.amazonaws.com',
    eventName: 'Sign',
    eventTime: '2026-11-30T10:00:00Z',
    requestID,
    userIdentity: { arn },
    vpcEndpointId: 'vpce-1',
    resources: [{ ARN: world.record().keys[0]?.keyArn }],
  });
  const line = (kms_request: string) => ({
    zone: 'public',
    client: 'journal',
    code: 'signed',
    service: 'journal',
    timestamp: '2026-11-30T10:00:00Z',
    kid: kid(0),
    kms_request,
  });
  const auditOf = async (...records: object[]) => {
    const file = join(newFolder(), 'all.log');
    writeFileSync(file, records.map((each) => JSON.stringify(each)).join('\n'));
    process.exitCode = 0;
    await run('audit', '--reconcile', file);
    const { exitCode } = process;
    process.exitCode = 0;
    return exitCode;
  };

  test('of signatures that signers tell of ends with 0', async () => {
    expect(await auditOf(event('a'), line('a'))).toBe(0);
    expect(output()).toMatch(/^1 signatures are in CloudTrail and in the audit; 0 more/);
  });

  test('names whoever else signed with a key of the record, and what was signed by nobody, and ends with 1', async () => {
    const stranger = `${signer.replace(/role\/.*/, 'role/other/s')}\u001b[2K`;
    expect(await auditOf(event('a'), line('a'), event('b', stranger), event('c'), line('d'))).toBe(1);
    expect(output()).toMatch(/1 by no signer of the key.*\n.* {2}b {2}arn.*other\/s\\u001b\[2K/);
    expect(output()).toMatch(/1 by a signer, whose lines.*\n.* {2}c {2}/);
    expect(output()).toMatch(/1 that CloudTrail does not have.*\n.* {2}d {2}/);
  });

  test('names what it could not read, and ends with 1', async () => {
    const cut = join(newFolder(), 'cut.json');
    writeFileSync(cut, JSON.stringify({ Records: [event('b')] }).slice(0, -3));
    const file = join(newFolder(), 'all.log');
    writeFileSync(file, `${JSON.stringify(event('a'))}\n${JSON.stringify(line('a'))}`);
    process.exitCode = 0;
    await run('audit', file, cut);
    expect(process.exitCode).toBe(1);
    process.exitCode = 0;
    expect(output()).toMatch(/1 with parts that are neither .* not compared:\n {2}\S+: 1, the first: \{"Rec/);
  });

  test('of nothing, and of no file, is refused', async () => {
    await expect(auditOf({ code: 'signed' })).rejects.toThrow(coded('config_invalid'));
    await expect(run('audit')).rejects.toThrow(coded('config_invalid'));
    await expect(run('audit', '--trace', 'id')).rejects.toThrow(coded('config_invalid'));
  });
});

describe('jwk', () => {
  test('prints the key that waits, as it shall be registered, and no private member', async () => {
    beginAnew();
    await run('jwk');
    expect(output()).toContain('has no key yet');
    await world.rotate();
    counter.lines.length = 0;
    await run('jwk');
    const printed = JSON.parse(counter.lines[1] ?? '') as RegisteredJwk;
    expect(printed).toEqual(await readJwk(world, kid(0)));
    expect(Object.keys(printed).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']);
  });
});

test('a key that KMS does not know yet is waited for, and not called gone', async () => {
  beginAnew();
  await world.rotate();
  const [key] = world.kms.keys.values();
  if (key) key.created = world.now();
  world.kms.settling = 20;
  await run('list');
  expect(output()).toContain('not yet known');
  expect(output()).not.toContain('Gone');
  await run('jwk');
  expect(output()).toContain(`"kid": "${kid(0)}"`);
});

describe('rotate', () => {
  test('replaces the key and says how far it is', async () => {
    await run('rotate');
    expect(states()).toEqual(['retiring', 'current']);
    expect(output()).toContain(`Current: ${kid(1)}`);
  });

  test('with --now the old key stops, after every signer knows', async () => {
    world.traffic = true;
    const before = kid(0);
    await run('rotate', '--now');
    expect(counter.questions[0]).toContain('at once');
    expect(states()).toEqual(['retired', 'current']);
    expect(world.kms.keys.get(world.record().keys[0]?.keyArn ?? '')?.status).toBe('Disabled');
    expect(output()).toContain(`KEY_DISABLED  ${before}`);
    // Tokens bound to it die, which is what was asked for; new ones are to be had at every moment.
    expect(world.failures.filter(({ what }) => what.startsWith('call'))).toEqual([]);
  });

  test('with --now keys replaced before stop too', async () => {
    await world.rotate();
    await run('rotate', '--now');
    expect(states()).toEqual(['retired', 'retired', 'current']);
  });

  test('with --now nothing is stopped when no new key has come', async () => {
    world.helseId.behaviour.post = 'refuse';
    await expect(run('rotate', '--now')).rejects.toThrow(coded('rotation_failed', /Older keys sign on\.$/));
    expect(states()[0]).toBe('current');
  });

  test('ends with the reason as soon as a step has failed, and says how it goes on', async () => {
    counter.log.push(failedLine('journal', 'known before'));
    world.helseId.behaviour.post = 'refuse';
    const began = world.now();
    await expect(run('rotate')).rejects.toThrow(/failed in setSecret: self_service_refused .*keys -- rotate/);
    expect(world.now() - began).toBeLessThan(60);
  });

  test('a first key whose rotation fails waits, to be registered and verified', async () => {
    beginAnew();
    counter.operator.place = ' --local=.other';
    await world.rotate();
    world.secrets.beginRotation();
    const { wait } = counter.operator.clock;
    // The issuer is down.
    counter.operator.clock = {
      ...counter.operator.clock,
      async wait(seconds) {
        if (world.secrets.stages.has('AWSPENDING')) {
          await world.pass(seconds);
          counter.log.push(failedLine('other', 'x'), failedLine('journal', 'issuer_unreachable'));
        } else await wait(seconds);
      },
    };
    await expect(run('verify')).rejects.toThrow(
      /setSecret: issuer_unreachable .*npm run jwk -- journal --local=\.other .*keys -- verify journal --local=\.other\./,
    );
  });

  test('points to the log where nothing moves and no reason can be read', async () => {
    world.secrets.beginRotation();
    counter.operator.clock = { now: world.now, wait: (seconds) => world.pass(seconds) };
    await expect(run('rotate')).rejects.toThrow(coded('rotation_failed'));
    expect(counter.lines.filter((line) => line.includes('the log group of rotation'))).toHaveLength(1);
  });

  test('makes the first key, and says that it is to be registered', async () => {
    beginAnew();
    await run('rotate');
    expect(states()).toEqual(['created']);
    expect(output()).toContain('npm run jwk');
  });

  test('waits for a rotation that Secrets Manager does not show yet', async () => {
    const { secrets } = counter.operator;
    const shown = world.now() + 12;
    let begun = 0;
    counter.operator.secrets = {
      ...secrets,
      rotateSecret: (input) => {
        begun += 1;
        return secrets.rotateSecret(input);
      },
      async describeSecret(input) {
        const answer = await secrets.describeSecret(input);
        return world.now() < shown ? { ...answer, VersionIdsToStages: {} } : answer;
      },
    };
    // It begins when it shows: until then nothing has changed.
    const { rotate } = world;
    world.rotate = async (options) => (world.now() < shown ? { calls: [] } : rotate(options));
    await run('rotate');
    expect(begun).toBe(1);
    expect(states()).toEqual(['retiring', 'current']);
  });

  test('goes on with one that is under way', async () => {
    world.secrets.beginRotation();
    await run('rotate');
    expect(states()).toEqual(['retiring', 'current']);
  });

  test('begins another where one was cut off with its key current already', async () => {
    const token = world.secrets.beginRotation();
    await world.rotate({ token });
    world.secrets.move('AWSPENDING', token);
    await run('rotate');
    expect(states()).toEqual(['retiring', 'retiring', 'current']);
    expect(world.secrets.stages.has('AWSPENDING')).toBe(false);
  });
});

describe('verify', () => {
  test('brings a key that has been registered by hand into use', async () => {
    beginAnew();
    await world.rotate();
    await run('verify');
    expect(output()).toContain('waits for its registration');
    world.helseId.registerByHand(await readJwk(world, kid(0)));
    await run('verify');
    expect(states()).toEqual(['current']);
  });

  test('with --now ends older keys where rotate --now had to leave the new one to a person, and said so', async () => {
    world = createWorld({ selfRegistering: false });
    counter = openCounter();
    await run('rotate');
    world.helseId.registerByHand(await readJwk(world, kid(0)));
    await run('verify');
    const old = kid(0);
    await run('rotate', '--now');
    expect(states()).toEqual(['current', 'created']);
    expect(output()).toContain('keys -- verify journal --now goes on. Older keys sign on.');
    world.helseId.registerByHand(await readJwk(world, kid(1)));
    await run('verify', '--now');
    expect(counter.questions.at(-1)).toContain('at once');
    expect(states()).toEqual(['retired', 'current']);
    expect(output()).toContain(`KEY_DISABLED  ${old}`);
  });

  test('with --now ends older keys also where the new one has become current by itself', async () => {
    await world.rotate();
    await run('verify');
    expect(states()).toEqual(['retiring', 'current']);
    await run('verify', '--now');
    expect(states()).toEqual(['retired', 'current']);
  });

  test('does nothing where none waits', async () => {
    await run('verify');
    expect(counter.questions).toEqual([]);
    expect(world.secrets.stages.has('AWSPENDING')).toBe(false);
  });
});

describe('retire', () => {
  test('refuses the current key, and one that tokens depend on, before it asks', async () => {
    await world.rotate();
    await expect(run('retire', kid(1), '--force')).rejects.toThrow(coded('transition_refused'));
    await expect(run('retire', kid(0))).rejects.toThrow(coded('transition_refused'));
    await expect(run('retire', 'unknown')).rejects.toThrow(coded('key_unknown'));
    expect(counter.questions).toEqual([]);
  });

  test('retires and disables with --force, or once the time is over', async () => {
    await world.rotate();
    await run('retire', kid(0), '--force');
    expect(states()).toEqual(['retired', 'current']);
    expect([...world.kms.keys.values()].map(({ status }) => status)).toEqual(['Disabled', 'Enabled']);
  });
});

describe('delete', () => {
  test('only a retired key, with the days that were asked for', async () => {
    await world.rotate();
    await expect(run('delete', kid(0))).rejects.toThrow(coded('transition_refused'));
    await run('retire', kid(0), '--force');
    await run('delete', kid(0), '--days', '7');
    expect(counter.deleted).toEqual([`${world.record().keys[0]?.keyArn} 7`]);
    await expect(run('delete', 'unknown')).rejects.toThrow(coded('key_unknown'));
  });
});

describe('policy', () => {
  test('leaves alone what is right, and gives the rendered policy to what is not', async () => {
    const [key] = world.kms.keys.values();
    if (key) key.policy = RENDERED;
    await run('policy');
    expect(counter.questions).toEqual([]);
    if (key) key.policy = '{}';
    await run('policy');
    expect(JSON.parse(key?.policy ?? '')).toEqual(JSON.parse(RENDERED));
  });

  test('tells of a grant, which works past the policy', async () => {
    const [key] = world.kms.keys.values();
    if (key) key.policy = RENDERED;
    await run('policy');
    expect(output()).not.toMatch(/granted/);
    const grants = [{ GranteePrincipal: 'stranger', GrantId: 'g1' }];
    Object.assign(counter.operator.kms, { listGrants: async () => ({ Grants: grants }) });
    await run('policy');
    expect(output()).toMatch(/is granted to stranger.*--grant-id g1/);
  });
});

describe('draft', () => {
  const draft = ['draft', '--organization', '814513157', '--redirect', 'https://vendor.test/done'];
  const answer = (response: Response) => {
    const sent: { url: string; init: RequestInit }[] = [];
    counter.operator.fetch = async (url, init = {}) => {
      sent.push({ url, init });
      return response;
    };
    return sent;
  };

  beforeEach(async () => {
    world = createWorld();
    await world.rotate();
    counter = openCounter();
  });

  test('registers the waiting key and says how to go on', async () => {
    const sent = answer(Response.json({ clientId: 'new-client' }));
    await run(...draft);
    expect(sent[0]).toMatchObject({
      url: `${FAKE_SELF_SERVICE}/v1/client-drafts`,
      init: { method: 'POST', headers: { 'api-key': 'api-key' }, redirect: 'manual' },
    });
    const { publicJwk, ...body } = JSON.parse(String(sent[0]?.init.body));
    expect(body).toEqual({
      organizationNumber: '814513157',
      postClientConfirmationRedirectUri: 'https://vendor.test/done',
    });
    expect(JSON.parse(publicJwk)).toEqual(await readJwk(world, kid(0)));
    expect(output()).toContain('confirm-client/new-client');
    expect(output()).not.toContain('api-key');
  });

  test('the declaration gets the new client id: the key that the draft has registered waits on, and becomes current', async () => {
    // The simulated HelseID has one client: it is the new one, and the declaration before had another.
    const { journal } = counter.operator.system.clients;
    const first = world.record();
    const old = { ...first, clientId: 'tried-first' };
    await world.secrets.putSecretValue({ SecretId: FAKE_SECRET_ARN, SecretString: JSON.stringify(old) });
    const declare = (clientId: string) => {
      counter.operator.system = {
        ...counter.operator.system,
        clients: { journal: { ...journal, clientId } as ClientDeclaration },
      };
    };
    declare('tried-first');
    answer(Response.json({ clientId: FAKE_CLIENT_ID }));
    await run(...draft);
    declare(FAKE_CLIENT_ID);
    await world.rotate();
    const waiting = first.keys[0]?.kid ?? '';
    expect(world.record().keys.map(({ kid, state }) => [kid, state])).toEqual([[waiting, 'created']]);
    world.helseId.registerByHand(await readJwk(world, waiting));
    await run('verify');
    expect(world.record().keys.map(({ kid, state }) => [kid, state])).toEqual([[waiting, 'current']]);
  });

  test('a refusal says why; anything else leaves open what happened', async () => {
    answer(Response.json({ property: 'publicJwk', message: 'bad' }, { status: 400 }));
    await expect(run(...draft)).rejects.toThrow(coded('self_service_refused'));
    for (const response of [new Response('x', { status: 500 }), Response.json({ id: 1 })]) {
      answer(response);
      await expect(run(...draft)).rejects.toThrow(coded('self_service_unreachable'));
    }
  });

  test('without key, api key or option it is not tried', async () => {
    const sent = answer(Response.json({}));
    for (const organization of ['12', '123456789'])
      await expect(
        run('draft', '--organization', organization, '--redirect', 'https://vendor.test/done'),
      ).rejects.toThrow(/check digit/);
    counter.operator.env = {};
    await expect(run(...draft)).rejects.toThrow(/HELSEID_DRAFT_API_KEY/);
    world = createWorld();
    counter = openCounter();
    await expect(run(...draft)).rejects.toThrow(/no key that waits/);
    expect(sent).toEqual([]);
  });
});

describe('watch', () => {
  test('has the checks made, and prints findings and figures', async () => {
    await run('watch');
    expect(counter.invoked).toEqual(['journal-admin-key-watch {}']);
    expect(counter.lines).toEqual([
      'KEY_UNKNOWN  client=journal  kid=foreign',
      'FIGURES  client=journal  UnknownKeys=1  SurplusKeys=0  DaysToExpiry=29',
      expect.stringContaining('docs/keys.md'),
    ]);
  });

  test('asks first, and takes no argument', async () => {
    await expect(run('watch', 'daily')).rejects.toThrow(coded('config_invalid'));
    counter.answer = false;
    await run('watch');
    expect(counter.invoked).toEqual([]);
    expect(counter.questions).toHaveLength(1);
  });
});

test('who says no changes nothing', async () => {
  await world.rotate();
  await world.skip(10_000);
  counter.answer = false;
  const before = JSON.stringify(world.record());
  for (const args of [['rotate'], ['rotate', '--now'], ['retire', kid(0)], ['policy']]) await run(...args);
  expect(JSON.stringify(world.record())).toBe(before);
  expect(world.secrets.stages.has('AWSPENDING')).toBe(false);
  expect(counter.questions.length).toBeGreaterThanOrEqual(3);
});

test('with several clients, one must be named', async () => {
  const [client] = Object.values(shipped.clients) as [ClientDeclaration];
  counter = openCounter({ journal: client, other: client });
  await expect(run('rotate')).rejects.toThrow(/--client journal \| other/);
  await run('rotate', '--client', 'journal');
  expect(states()).toEqual(['retiring', 'current']);
  await run('jwk', 'journal');
  expect(output()).toContain(kid(1));
  await expect(run('rotate', 'third')).rejects.toThrow(/"third" is no client; declared are journal, other/);
  await expect(run('rotate', '--client', 'constructor')).rejects.toThrow(coded('config_invalid'));
  // A kid says by itself whose it is, also beside a client that is not deployed yet.
  counter = openCounter({ other: client, journal: client });
  await run('retire', kid(0), '--force');
  expect(states()).toEqual(['retired', 'current']);
  await run('delete', kid(0));
  expect(counter.deleted).toHaveLength(1);
});

/** What AWS asks of a caller beside the action of a call's own name. */
const BESIDES: Readonly<Record<string, string>> = {
  'secretsmanager:GetSecretValue': 'kms:Decrypt',
  'secretsmanager:PutSecretValue': 'kms:GenerateDataKey',
  'secretsmanager:RotateSecret': 'lambda:InvokeFunction',
};

test('docs/keys.md names every permission that a command needs, and no other', async () => {
  const needed = new Set<string>();
  const asking =
    <I extends unknown[], O>(action: string, call: (...input: I) => O) =>
    (...input: I) => {
      needed.add(action).add(BESIDES[action] ?? action);
      return call(...input);
    };
  const watched = <T extends object>(service: string, port: T): T =>
    Object.fromEntries(
      Object.entries(port).map(([name, call]) => [
        name,
        asking(`${service}:${name[0]?.toUpperCase()}${name.slice(1)}`, call),
      ]),
    ) as T;
  const { operator } = counter;
  const { kms, secrets, invoke, signingPlace, lastSignature, failedSteps } = operator;
  counter.operator = {
    ...operator,
    kms: watched('kms', kms),
    secrets: watched('secretsmanager', secrets),
    invoke: asking('lambda:InvokeFunction', invoke),
    signingPlace: asking('lambda:GetFunctionConfiguration', signingPlace),
    lastSignature: asking('cloudtrail:LookupEvents', lastSignature),
    failedSteps: asking('logs:FilterLogEvents', failedSteps),
    fetch: async () => Response.json({ clientId: FAKE_CLIENT_ID }),
  };
  for (const key of world.kms.keys.values()) key.policy = '{}';
  for (const args of [['list'], ['jwk'], ['policy'], ['rotate'], ['rotate', '--now'], ['watch']])
    await run(...args);
  await run('delete', kid(0));
  world.helseId.behaviour.post = 'refuse';
  await world.rotate();
  await run('draft', '--organization', '814513157', '--redirect', 'https://vendor.test/done');
  await run('retire', kid(3));

  const section =
    /### Permissions of the operator\n(.+?)\n### /s.exec(readFileSync('docs/keys.md', 'utf8'))?.[1] ?? '';
  const documented =
    section.match(/(?<=`)(?:kms(?!:ViaService)|secretsmanager|lambda|cloudtrail|logs):[A-Z]\w+(?=`)/g) ?? [];
  expect([...new Set(documented)].sort()).toEqual([...needed].sort());
});

const ONE_CLIENT = ['--declaration', 'test/one-client.zones.ts'];

describe('the command line', () => {
  test('is refused before anything is opened', async () => {
    const env = { ...process.env, AWS_REGION: '', AWS_PROFILE: '' };
    for (const [args, message] of sampled<[string[], RegExp]>([
      [['frobnicate'], /config_invalid: There is no command "frobnicate"/],
      [['--declaration', 'infra/keys/options.ts'], /declaration_invalid/],
      [['--declaration', 'examples/stages.zones.ts', '--stage', 'prod'], /knows no stage prod/],
      [['jwk', 'nosuch', ...ONE_CLIENT], /config_invalid: There is no client nosuch; there are journal\.$/m],
      [['redrive', 'nosuch', ...ONE_CLIENT], /config_invalid: There is no zone nosuch; there are public, /],
      [['redrive', 'internal', ...ONE_CLIENT], /config_invalid: There is no region/],
    ])) {
      const { status, stderr } = spawnSync(process.execPath, ['infra/keys/main.ts', ...args], {
        env,
        encoding: 'utf8',
      });
      expect(stderr).toMatch(message);
      expect(status).toBe(1);
    }
  });

  test('at a place that does not answer it says so, without a trace', () => {
    const folder = newFolder();
    const operator = {
      url: 'http://127.0.0.1:2',
      region: 'eu-north-1',
      credentials: { accessKeyId: 'a', secretAccessKey: 's' },
      declaration: shipped,
      gateways: [],
      callers: [],
      foreign: [],
      logs: folder,
    };
    writeFileSync(join(folder, 'operator.json'), JSON.stringify(operator));
    for (const command of [
      ['rotate', '--yes'],
      ['redrive', 'internal'],
    ]) {
      const args = ['infra/keys/main.ts', ...command, `--local=${folder}`];
      const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
      expect(stderr).toMatch(/^aws_unavailable: AWS does not answer \(connection: ECONNREFUSED\).*\n$/);
      expect(status).toBe(1);
    }
  });

  test.each([
    [['fly'], /no command/],
    [['constructor'], /no command/],
    [['retire'], /takes a kid/],
    [['retire', 'a', 'b'], /too many/],
    [['--unknown'], /unknown/],
    [['delete', 'a', '--days', '3'], /7 to 30/],
    [['rotate', 'journal', '--client', 'other'], /two clients/],
    [['retire', 'a', '--now'], /--now says nothing to retire/],
    [['rotate', '--force'], /--force says nothing to rotate/],
    [['watch', '--client', 'journal'], /--client says nothing to watch/],
    [['policy', '--signing-vpc', 'journal'], /the id of a VPC/],
  ])('%j is refused', async (args, message) => {
    await expect(run(...args)).rejects.toThrow(message);
  });

  test.each([
    [['--local'], '.local'],
    [['--local', 'rotate'], '.local'],
    [['rotate', '--local', '--yes'], '.local'],
    [['--local', './other'], './other'],
    [['rotate'], undefined],
  ])('%j means the local system in %s', (args, folder) => {
    expect(readKeyOptions(args).local).toBe(folder);
  });

  test('a kid may begin with a hyphen, wherever it stands', () => {
    const kid = `-${'Qa-_'.repeat(10)}Qa`;
    for (const args of [
      ['retire', kid, '--force'],
      ['retire', '--force', kid],
    ])
      expect(readKeyOptions(args)).toMatchObject({ command: 'retire', kid, force: true });
    expect(() => readKeyOptions(['retire', '-Q'])).toThrow(coded('config_invalid'));
  });
});
