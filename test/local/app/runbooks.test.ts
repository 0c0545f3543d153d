import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { signAws } from '@helseid-zones/client/sigv4';
import type { KeyState } from '@helseid-zones/protocol/record';
import { required } from '@helseid-zones/protocol/values';
import type { JWK } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { zoneQueues } from '../../../infra/declaration/function-resources.ts';
import { objectOf, parseJson } from '../../../infra/proof/assembly/json.ts';
import { resourcesOfType } from '../../../infra/proof/assembly/resolve.ts';
import { findInState, readClientRecord } from '../../../local/app/client-keys.ts';
import { fillIn, isOutcome, putEvent } from '../../../local/app/events.ts';
import { writeOperatorFile } from '../../../local/app/operator-file.ts';
import { callRoute, sendEvent } from '../../../local/app/steps/entries.ts';
import { arnOf, linesDuring, operatorAccess, sampleZone } from '../../../local/app/steps/facts.ts';
import { type LocalSystem, startSystem } from '../../../local/app/system.ts';
import { callJson } from '../../../local/aws/aws-client.ts';
import { readFigures, ringsOn } from '../../../local/aws/metrics.ts';
import type { Registry } from '../../../local/helseid/registry.ts';
import { FULL } from '../../full.ts';
import { freePorts } from '../../ports.ts';
import { newFolder } from '../../temporary.ts';

/** The commands of a page's chapter, as it has them, one a line, in order. */
function commandsOf(page: string, chapter: string): string[] {
  const text = readFileSync(page, 'utf8').split(/^##+ /m);
  const [found = ''] = text.filter((each) => each.startsWith(`${chapter}\n`));
  return [...found.matchAll(/^ *```sh\n(.*?)^ *```$/gms)].flatMap(([, block = '']) =>
    block
      .replaceAll(/\\\n/g, ' ')
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== ''),
  );
}

const COMPROMISED = commandsOf('docs/operating.md', 'A zone is compromised');
const DOWN = commandsOf('docs/operating.md', 'HelseID is down');
const REFUSED = commandsOf('docs/operating.md', 'HelseID refuses the current key');
const QUOTA = commandsOf('docs/operating.md', 'Quota reached');
const WRONG = commandsOf('docs/operating.md', 'A deploy gone wrong');
const SELF_SERVICE = commandsOf('docs/keys.md', 'The self-service API is down');
const RESTORE = commandsOf('docs/keys.md', 'Restore a version of the record');

test('the runbooks have the commands that are run here, and no others', () => {
  expect(
    [COMPROMISED, DOWN, REFUSED, QUOTA, WRONG, SELF_SERVICE, RESTORE].map((all) =>
      all.map((line) => line.split(' ')[2]),
    ),
  ).toEqual([
    ['put-function-concurrency', 'put-function-concurrency', 'keys', 'put-function-concurrency'].concat(
      'delete-function-concurrency',
    ),
    ['redrive', 'redrive'],
    ['keys', 'jwk'],
    // The local system has no Service Quotas, and nothing to deploy to.
    ['put-function-concurrency', 'put-function-concurrency', 'list-service-quotas'],
    ['TAG', undefined, 'deploy', 'verify'],
    ['jwk', 'keys'],
    ['list-secret-version-ids', 'update-secret-version-stage', 'keys'],
  ]);
});

const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
const directory = newFolder();
const ports = await freePorts();
let system: LocalSystem;
let forget: () => void;

/** Runs a command of a page, its names filled in, against the running system. Resolves to what it prints and its exit code. */
async function run(command: string, names: Readonly<Record<string, string>>) {
  const line = Object.entries(names).reduce((text, [name, is]) => text.replaceAll(name, is), command);
  const [program, ...words] = line.split(' ').filter((word) => word !== '');
  if (program === 'aws') return aws(words);
  const [, script = '', , ...args] = words;
  const [, ...own] = (scripts[script] ?? '').split(' ');
  // Who reads the page is asked; nobody is here.
  const asking = script === 'keys' ? ['--yes'] : [];
  const child = spawn(process.execPath, [...own, ...args, '--local', directory, ...asking], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (out += chunk));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, out };
}

const pascal = (name: string) => name.replaceAll(/(?:^|-)([a-z])/g, (_, letter) => letter.toUpperCase());

/** The operator's call that a command line of the AWS CLI makes. */
async function aws([service = '', operation = '', ...options]: readonly string[]) {
  const access = operatorAccess(system);
  const input = Object.fromEntries(
    options.flatMap((option, at) => {
      if (!option.startsWith('--')) return [];
      const value = options[at + 1];
      return [[pascal(option.slice(2)), value === undefined || value.startsWith('--') ? true : value]];
    }),
  );
  if (service !== 'lambda') {
    const { body, error } = await callJson(access, service, `${service}.${pascal(operation)}`, input);
    return { code: error ? 254 : 0, out: JSON.stringify(body) };
  }
  const url = new URL(`/2017-10-31/functions/${input['FunctionName']}/concurrency`, access.url);
  const wanted = { ReservedConcurrentExecutions: Number(input['ReservedConcurrentExecutions']) };
  const [method, body] = operation.startsWith('delete') ? ['DELETE'] : ['PUT', JSON.stringify(wanted)];
  const of = { service: 'lambda', region: access.region, now: Date.now() };
  const headers = signAws({ method, url, body }, access.credentials, of);
  const answer = await fetch(url, { method, headers, body: body ?? null });
  return { code: answer.ok ? 0 : 254, out: await answer.text() };
}

const route = () => callRoute(system).then(() => 'answers', String);

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + 60_000;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error('not within a minute');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Has an event given up at once, whose tries lie minutes apart. */
async function giveUp(): Promise<string> {
  const { zone, declared, event } = sampleZone(system);
  const [names] = zoneQueues('journal', zone, declared);
  const queue = system.aws.queues.find(names?.queue ?? '');
  const dead = system.aws.queues.find(names?.deadLetters ?? '');
  const id = await putEvent(operatorAccess(system), `journal-${zone}`, fillIn(event));
  const stop = system.trail.subscribe((line) => {
    if (!isOutcome(line, id) || line.fields['outcome'] !== 'failed') return;
    const failed = queue.messages().find((message) => message.id === line.fields['message']);
    if (failed?.receipt) setImmediate(() => queue.hide(failed.receipt ?? '', 0));
  });
  await until(() => dead.count().visible > 0).finally(stop);
  return id;
}

/** Starts a declaration over whatever state there is. */
async function start(declarationFile: string, fresh = false) {
  system = await startSystem({
    declarationFile,
    standIn: true,
    directory,
    fresh,
    ports,
    page: undefined,
  });
  forget = writeOperatorFile(directory, system);
}

async function end() {
  forget();
  await system.close();
}

const isDone = (id: string) =>
  system.trail.lines().some((line) => isOutcome(line, id) && line.fields['outcome'] === 'done');

/** What a person does in HelseID's portal with what `npm run jwk` prints. */
function registerPrinted(client: string, out: string): void {
  const jwk = JSON.parse(out.slice(out.indexOf('{'), out.lastIndexOf('}') + 1)) as JWK;
  registryOf(client)(({ register }, clientId) => register(clientId, jwk, 'Gui'));
}

const registryOf =
  (client: string) =>
  (act: (registry: Registry, clientId: string) => void): void => {
    const { clientId, issuer } = required(system.declaration.clients[client], client);
    act(required(system.standIns?.helseIds.get(issuer), issuer).registry, clientId);
  };

describe.runIf(FULL)('a runbook resolves its incident:', { timeout: 300_000 }, () => {
  beforeAll(() => start('test/two-clients.zones.ts', true), 300_000);
  afterAll(end);

  test('a zone is compromised', async () => {
    const { zone, grant, signerName } = sampleZone(system);
    const names = { '<system>': 'journal', '<client>': grant.client, '<zone>': zone, CLIENT: grant.client };
    const reserved = (name: string) =>
      required(
        system.aws.functions.find((fn) => fn.name === name),
        name,
      ).reservedConcurrency;
    const before = [reserved(signerName), reserved(`journal-${zone}-tokens`)];
    expect(before).toEqual([10, undefined]);
    const [cutSigner = '', cutTokens = '', rotate = '', openSigner = '', openTokens = ''] = COMPROMISED;
    const event = () => sendEvent(system).then(() => 'done', String);
    expect(await event()).toBe('done');
    expect(await run(cutSigner, names)).toMatchObject({ code: 0 });
    expect(await run(cutTokens, names)).toMatchObject({ code: 0 });
    expect(await event()).toContain('tokens_unavailable');
    expect(await route()).toBe('answers');
    expect(await run(rotate, names)).toMatchObject({ code: 0 });
    expect(await run(openSigner, { ...names, DECLARED: '10' })).toMatchObject({ code: 0 });
    expect(await run(openTokens, names)).toMatchObject({ code: 0 });
    expect([reserved(signerName), reserved(`journal-${zone}-tokens`)]).toEqual(before);
    expect(await event()).toBe('done');
  });

  test('HelseID is down', async () => {
    const faults = [...(system.standIns?.helseIds.values() ?? [])].map((helseId) =>
      helseId.faults.inject({}, { status: 'none' }),
    );
    const id = await giveUp().finally(() => faults.map(({ end }) => end()));
    const [look = '', send = ''] = DOWN;
    const names = { ZONE: sampleZone(system).zone };
    expect(await run(look, names)).toMatchObject({
      code: 0,
      out: expect.stringContaining('issuer_unreachable'),
    });
    expect(await run(send, names)).toMatchObject({ code: 0 });
    await until(() => isDone(id));
  });

  test('the self-service API is down', async () => {
    const down = [...(system.standIns?.selfServices.values() ?? [])].map(({ faults }) =>
      faults.inject({}, { status: 503 }),
    );
    const [print = '', rotate = ''] = SELF_SERVICE;
    const names = { CLIENT: 'submission' };
    try {
      expect(await run(rotate, names)).toMatchObject({ code: 1, out: expect.stringMatching('self_service') });
      const { out } = await run(print, names);
      registerPrinted('submission', out);
      expect(await run(rotate, names)).toMatchObject({ code: 0 });
    } finally {
      for (const { end } of down) end();
    }
    await sendEvent(system);
  });

  test('a version of the record is to be restored', async () => {
    const [list = '', restore = '', rotate = ''] = RESTORE;
    const SecretId = 'journal/client/portal';
    const ask = (operation: string, more: object = {}) =>
      callJson(operatorAccess(system), 'secretsmanager', `secretsmanager.${operation}`, {
        SecretId,
        ...more,
      });
    const before = parseJson(String(objectOf((await ask('GetSecretValue')).body).SecretString));
    await ask('PutSecretValue', { SecretString: JSON.stringify({ ...objectOf(before), keys: [] }) });
    const versionAt = async () => {
      const { out } = await run(list, {});
      const versions: { VersionId: string; VersionStages: string[] }[] = JSON.parse(out).Versions;
      return (stage: string) => versions.find((each) => each.VersionStages.includes(stage))?.VersionId ?? '';
    };
    const at = await versionAt();
    const [BAD, GOOD] = [at('AWSCURRENT'), at('AWSPREVIOUS')];
    expect(await run(restore, { GOOD, BAD })).toMatchObject({ code: 0 });
    expect((await versionAt())('AWSCURRENT')).toBe(GOOD);
    expect(await run(rotate, {})).toMatchObject({ code: 0 });
    expect(await route()).toBe('answers');
  });

  test('HelseID refuses the current key', async () => {
    const CLIENT = sampleZone(system).grant.client;
    const [rotate = '', print = ''] = REFUSED;
    const inState = async (state: KeyState) => findInState(await readClientRecord(system, CLIENT), state);
    registryOf(CLIENT)(({ keys, remove }, clientId) => {
      for (const { kid } of keys(clientId)) remove(clientId, kid);
    });
    expect(await sendEvent(system).then(() => 'done', String)).toContain('invalid_client');
    const rotated = run(rotate, { CLIENT });
    await until(async () => (await inState('registered')) !== undefined);
    const { out } = await run(print, { CLIENT });
    expect(out).toMatch(/in state registered: register this at .*, unless it is listed there/);
    registerPrinted(CLIENT, out);
    expect(await rotated).toMatchObject({ code: 0 });
    await sendEvent(system);
  });

  test('a quota is reached', async () => {
    const { zone, grant, signerName, asker, askSigner, intent } = sampleZone(system);
    const names = { '<system>': 'journal', '<client>': grant.client, '<zone>': zone };
    const [fewer = '', declared = ''] = QUOTA;
    const where = { service: 'kms', operation: 'Sign', functionArn: arnOf(system.aws, signerName) };
    const ask = () => askSigner(asker('lambda'), intent);
    const throttled = system.aws.faults.inject(where, { error: 'ThrottlingException' });
    const { lines, result } = await linesDuring(system, ask);
    throttled.end();
    expect(objectOf(objectOf(result.body).error)).toMatchObject({ code: 'kms_throttled' });
    const figures = lines.flatMap(({ fields }) => readFigures(fields));
    const rings = resourcesOfType(system.assembly, 'AWS::CloudWatch::Alarm').filter(({ properties }) =>
      figures.some((figure) => ringsOn(properties, figure)),
    );
    expect(rings.map(({ properties }) => properties.AlarmName)).toContain(`${signerName}-KmsThrottled`);
    /** How many of a flood Lambda lets through to the signer, whose KMS takes its time. */
    const flood = async () => {
      const slow = system.aws.faults.inject(where, { slow: 500 });
      const answers = await Promise.all(Array.from({ length: 6 }, ask)).finally(slow.end);
      return answers.filter(({ error }) => error?.code !== 'TooManyRequestsException').length;
    };
    expect(await flood()).toBeGreaterThan(1);
    expect(await run(fewer, { ...names, FEWER: '1' })).toMatchObject({ code: 0 });
    expect(await flood()).toBe(1);
    expect(await route()).toBe('answers');
    expect(await run(declared, { ...names, DECLARED: '10' })).toMatchObject({ code: 0 });
    expect(await flood()).toBeGreaterThan(1);
  });

  test('a deploy comes in the middle of traffic', async () => {
    const { aws } = system;
    const over = Date.now() + 6000;
    const outcomes: string[] = [];
    const lanes = [route, route, () => sendEvent(system).then(() => 'answers', String)].map(async (call) => {
      while (Date.now() < over) outcomes.push(await call());
    });
    // A deploy replaces functions one by one, while they work.
    for (const { name } of aws.functions) {
      aws.replaceCode(name, aws.codeOf(name));
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    await Promise.all(lanes);
    expect(outcomes.length).toBeGreaterThan(10);
    expect(outcomes.filter((what) => what !== 'answers')).toEqual([]);
  });

  test('a deploy has gone wrong', async () => {
    const keys = async () => (await readClientRecord(system, 'submission')).keys.map(({ kid }) => kid);
    const before = await keys();
    const folder = resolve('.build', 'runbooks');
    mkdirSync(folder, { recursive: true });
    writeFileSync(
      join(folder, 'worse.zones.ts'),
      `import good from '../../test/two-clients.zones.ts';
const { internal } = good.zones;
const grants = internal.grants.map((grant) => ({
  ...grant,
  apis: grant.apis.map((api) => ({ ...api, paths: ['/Binary'] })),
}));
export default { ...good, zones: { ...good.zones, internal: { ...internal, grants } } };
`,
    );
    await end();
    await start(join(folder, 'worse.zones.ts'));
    const id = await giveUp();
    const names = { ZONE: sampleZone(system).zone };
    const [look = '', send = ''] = DOWN;
    expect((await run(look, names)).out).toContain('grant_refused');
    await end();
    await start('test/two-clients.zones.ts');
    expect(await keys()).toEqual(before);
    expect(await run(send, names)).toMatchObject({ code: 0 });
    await until(() => isDone(id));
    expect(await route()).toBe('answers');
  });
});
