import { createHmac, randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { required } from '@helseid-zones/protocol/values';
import { afterAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import multiTenant from '../../../examples/multi-tenant.zones.ts';
import type { SystemDeclaration } from '../../../infra/declaration/schema.ts';
import { readAssembly } from '../../../infra/proof/assembly/read-assembly.ts';
import { resolveAssembly } from '../../../infra/proof/assembly/resolve.ts';
import { buildWorld } from '../../../infra/proof/policy/world/build.ts';
import { loadAssembly } from '../../../local/app/assembly.ts';
import { fireSchedule, putSecret, webhookHeaders } from '../../../local/app/call-own.ts';
import { notRunning } from '../../../local/app/events.ts';
import { callLines } from '../../../local/app/welcome.ts';
import { callJson, callLambda } from '../../../local/aws/aws-client.ts';
import { startLocalAws } from '../../../local/aws/local-aws.ts';
import { createTrail } from '../../../local/aws/trail.ts';
import { coded } from '../../coded.ts';
import { FULL } from '../../full.ts';
import { changed } from '../../infra/declaration/change.ts';
import { synthesizedFolder } from '../../infra/synthesize.ts';
import system from '../../own-things.zones.ts';
import { newFolder } from '../../temporary.ts';

const PLACE = { account: '000000000000', region: 'eu-north-1' };
const assembly = resolveAssembly(readAssembly(synthesizedFolder(system, PLACE)), PLACE);
const trail = createTrail(Date.now);
const aws = await startLocalAws({
  assembly,
  world: buildWorld(assembly),
  stateDirectory: newFolder(),
  calledUrls: () => [],
  gatewayPort: () => 0,
  trail,
});

afterAll(() => aws.close());

/** Calls a service as a function of the zone would: with its role, through the zone's endpoint; resolves to the error's code, or `ok`. */
async function as(name: string, service: string, target: string, input: object): Promise<string> {
  const endpoint = aws.endpoints.find((of) => of.zone === 'internal' && of.service === service);
  const access = {
    url: required(endpoint, service).url,
    region: PLACE.region,
    credentials: aws.credentialsOf(`journal-internal-${name}`),
  };
  const { error } = await callJson(access, service, target, input);
  return error?.code ?? 'ok';
}

const dynamo = (name: string, operation: string, input: object) =>
  as(name, 'dynamodb', `DynamoDB_20120810.${operation}`, input);
const letter = { id: { S: 'a' }, at: { N: '1' } };
const LETTERS = 'journal-internal-worker-letters';
const DRAFTS = 'journal-internal-worker-drafts';

test('a webhook reaches the function’s own code only where it is signed', async () => {
  const operator = { url: aws.publicUrl, region: PLACE.region, credentials: aws.operator };
  const key = randomBytes(32);
  const secret = { SecretId: 'journal/public/summary/lab', SecretString: `whsec_${key.toString('base64')}` };
  const { error } = await callJson(operator, 'secretsmanager', 'secretsmanager.PutSecretValue', secret);
  expect(error).toBeUndefined();
  const [id, timestamp, body] = ['msg_1', String(Math.floor(Date.now() / 1000)), '{}'];
  const signature = `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
  const send = async (signed: string) => {
    const headers = { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signed };
    const event = { httpMethod: 'POST', resource: '/hooks/lab', headers, body, requestContext: {} };
    return (await callLambda(operator, 'journal-public-summary', event)).body;
  };

  expect(await send('v1,')).toMatchObject({ statusCode: 401 });
  // The shipped summary wants an id in the path: its own answer, past the guard.
  expect(await send(signature)).toMatchObject({ statusCode: 400 });
}, 30_000);

describe('npm run call', () => {
  test('says of what fetch does not send that it does not, and of nobody who answers that nobody does', async () => {
    const told = (init: RequestInit, url = 'http://127.0.0.1:9/') => fetch(url, init).catch(notRunning);
    await expect(told({ method: 'TRACE' })).rejects.toThrow(/^The request can't be sent: .*TRACE/);
    await expect(told({ body: '{}' })).rejects.toThrow(/^The request can't be sent/);
    await expect(told({}, 'http://127.0.0.1:6000/')).rejects.toThrow(/^The request can't be sent: bad port/);
    await expect(told({}, 'http://127.0.0.1:2/')).rejects.toThrow(/^The local system does not answer/);
  });

  const running = () => ({
    url: aws.publicUrl,
    region: PLACE.region,
    credentials: aws.operator,
    declaration: system,
  });

  test('signs a webhook as its guard wants it, and nothing else', async () => {
    const [path, body] = ['/hooks/lab', '{"id":17}'];
    // As it is made: nobody has put one that signs, and no process has read it.
    const made = { SecretId: 'journal/public/summary/lab', SecretString: 'random' };
    await callJson(running(), 'secretsmanager', 'secretsmanager.PutSecretValue', made);
    await aws.pool.recycle('journal-public-summary');
    const headers = await webhookHeaders(running(), { zone: 'public', method: 'POST', path, body });
    const send = async (body: string) => {
      const event = { httpMethod: 'POST', resource: path, headers, body, requestContext: {} };
      return (await callLambda(running(), 'journal-public-summary', event)).body;
    };
    expect(await send('{}')).toMatchObject({ statusCode: 401 });
    expect(await send(body)).toMatchObject({ statusCode: 400 });
    const other = { zone: 'public', method: 'GET', path: '/summaries/17', body };
    expect(await webhookHeaders(running(), other)).toEqual({});
  }, 30_000);

  test('puts a secret that is declared, and no other', async () => {
    await putSecret(running(), { zone: 'internal', name: 'worker/partner-key' }, 'mine');
    const { body } = await callJson(running(), 'secretsmanager', 'secretsmanager.GetSecretValue', {
      SecretId: 'journal/internal/worker/partner-key',
    });
    expect(body).toMatchObject({ SecretString: 'mine' });
    for (const name of ['worker/mail', 'worker', 'nobody/mail'])
      await expect(putSecret(running(), { zone: 'internal', name }, 'mine')).rejects.toMatchObject({
        code: 'local_failed',
      });
  });

  test('puts a webhook’s secret where its guard can use it', async () => {
    const hook = { zone: 'public', name: 'summary/lab' };
    for (const text of ['any text', 'whsec_c2hvcnQ='])
      await expect(putSecret(running(), hook, text)).rejects.toThrow(
        coded('config_invalid', /lab is not whsec_/),
      );
    const key = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
    await putSecret(running(), hook, key);
    const { body } = await callJson(running(), 'secretsmanager', 'secretsmanager.GetSecretValue', {
      SecretId: 'journal/public/summary/lab',
    });
    expect(body).toMatchObject({ SecretString: key });
  });

  test('starts a function as its schedule does', async () => {
    const { status, body } = await fireSchedule(running(), { zone: 'internal', name: 'summary/nightly' });
    // It was started: the shipped summary looks for an API that this zone has no grant for.
    expect([status, body]).toEqual([200, expect.objectContaining({ errorType: 'ZonesError' })]);
    const fire = () => fireSchedule(running(), { zone: 'internal', name: 'summary/weekly' });
    expect(fire).toThrow(coded('local_failed'));
  }, 30_000);

  test('is what the start says of webhooks, schedules and secrets', () => {
    expect(callLines({ declaration: system }, resolve('.local'))).toEqual([
      '  npm run call -- public POST /hooks/lab',
      '  npm run call -- public secret summary/lab --body FILE',
      '  npm run call -- internal secret worker/partner-key --body FILE',
      '  npm run call -- internal schedule summary/nightly',
      '  npm run call -- internal schedule summary/often',
      '  npm run call -- internal secret summary/mail --body FILE',
      '  npm run call -- internal schedule labels/hourly',
    ]);
  });

  test('is what it says of a route for HelseID’s tokens, where a stand-in gives one', () => {
    const lines = (declaration: SystemDeclaration, standIns?: object) =>
      callLines({ declaration, standIns }, resolve('.local'));
    expect(lines(multiTenant, {})).toEqual(['  npm run call -- public GET /summaries/17']);
    expect(lines(multiTenant)).toEqual([]);
    const ofPersons = changed('zones.public.gateway.authorizer.securityLevel', '4', multiTenant);
    expect(lines(ofPersons as SystemDeclaration, {})).toEqual([]);
  });
});

describe('the local system enforces what functions have', () => {
  test('a table is used by its function, read by the one it is shared with, and closed to others', async () => {
    await expect(dynamo('worker', 'PutItem', { TableName: LETTERS, Item: letter })).resolves.toBe('ok');
    const batch = { RequestItems: { [LETTERS]: { Keys: [letter] } } };
    await expect(dynamo('summary', 'BatchGetItem', batch)).resolves.toBe('ok');
    const written = dynamo('summary', 'PutItem', { TableName: LETTERS, Item: letter });
    await expect(written).resolves.toMatch(/^AccessDenied/);
    const key = { TableName: DRAFTS, Key: { id: letter.id } };
    await expect(dynamo('worker', 'GetItem', key)).resolves.toBe('ok');
    await expect(dynamo('summary', 'GetItem', key)).resolves.toMatch(/^AccessDenied/);
    const mixed = { RequestItems: { ...batch.RequestItems, [DRAFTS]: { Keys: [key.Key] } } };
    await expect(dynamo('summary', 'BatchGetItem', mixed)).resolves.toMatch(/^AccessDenied/);
  });

  test('a queue is sent to by its function, by the URL in the variable', async () => {
    const { OUTBOX_QUEUE: QueueUrl = '' } = required(
      aws.functions.find(({ name }) => name === 'journal-internal-worker'),
      'worker',
    ).environment;
    const message = { QueueUrl, MessageBody: '{}' };
    await expect(as('worker', 'sqs', 'AmazonSQS.SendMessage', message)).resolves.toBe('ok');
    await expect(as('summary', 'sqs', 'AmazonSQS.SendMessage', message)).resolves.toMatch(/AccessDenied/);
    const taken = as('worker', 'sqs', 'AmazonSQS.ReceiveMessage', { QueueUrl });
    await expect(taken).resolves.toMatch(/AccessDenied/);
  });

  test('a secret is read by its function alone', async () => {
    const read = (name: string, secret: string) =>
      as(name, 'secretsmanager', 'secretsmanager.GetSecretValue', { SecretId: `journal/internal/${secret}` });
    await expect(read('worker', 'worker/partner-key')).resolves.toBe('ok');
    await expect(read('summary', 'worker/partner-key')).resolves.toMatch(/AccessDenied/);
    await expect(read('worker', 'summary/mail')).resolves.toMatch(/AccessDenied/);
  });
});

/** A code block of docs/functions.md, as a file from which packages are found, run in the environment of a function of the zone. */
async function documented(name: string, as: string, variables: Record<string, string>) {
  const file = `functions/${name}/handler.ts`;
  const blocks = readFileSync('docs/functions.md', 'utf8').matchAll(/^```ts\n(.*?)^```/gms);
  const code = [...blocks].map(([, text = '']) => text).find((text) => text.startsWith(`// ${file}\n`));
  const path = resolve('.build', 'documented', file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, required(code, file));
  const { accessKeyId, secretAccessKey, sessionToken = '' } = aws.credentialsOf(`journal-internal-${as}`);
  const deployed = aws.functions.find(({ name }) => name === `journal-internal-${as}`);
  const url = (service: string) =>
    required(
      aws.endpoints.find((of) => of.zone === 'internal' && of.service === service),
      service,
    ).url;
  const env = {
    AWS_REGION: PLACE.region,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_SESSION_TOKEN: sessionToken,
    LAMBDA_TASK_ROOT: deployed?.codeDirectory ?? '',
    ...variables,
    AWS_ENDPOINT_URL_DYNAMODB: url('dynamodb'),
    AWS_ENDPOINT_URL_SQS: url('sqs'),
  };
  for (const [variable, value] of Object.entries(env)) vi.stubEnv(variable, value);
  return (await import(path)).handler;
}

test('the documented handlers use table and queue with the SDK’s own clients', async () => {
  onTestFinished(() => void vi.unstubAllEnvs());
  const of = aws.functions.find(({ name }) => name === 'journal-internal-worker');
  const worker = required(of, 'worker').environment;
  // The documented table has one key, as this one of the fixture has.
  const queues = aws.endpoints.find(({ zone, service }) => zone === 'internal' && service === 'sqs');
  const variables = {
    ...worker,
    LETTERS_TABLE: String(worker['DRAFTS_TABLE']),
    // As the local system gives it to the function's process (test/local/aws/runtime/environment.test.ts).
    OUTBOX_QUEUE: `${queues?.url}/000000000000/journal-internal-outbox`,
  };
  const letters = await documented('letters', 'worker', variables);
  const time = '2026-01-02T06:00:00Z';
  // What is sent is read at once, by a function that knows nothing of it.
  await letters({ time });
  const printer = await documented('printer', 'worker', variables);
  const record = (messageId: string, id: string) => ({ messageId, body: JSON.stringify({ id }) });
  await expect(printer({ Records: [record('1', time), record('2', 'nobody')] })).resolves.toEqual({
    batchItemFailures: [{ itemIdentifier: '2' }],
  });
  const sent = trail.lines().map(({ fields }) => `${fields['operation']} ${fields['error'] ?? 'ok'}`);
  expect(sent).toContain('SendMessage ok');
});

test.runIf(FULL)(
  'what constructs of one’s own add and the local system does not run is said',
  { timeout: 180_000 },
  async () => {
    const folder = resolve('.build', 'not-run');
    mkdirSync(folder, { recursive: true });
    writeFileSync(
      join(folder, 'zones.ts'),
      `import own from '../../test/own-things.zones.ts';
export default { ...own, audit: { export: 'arn:aws:logs:eu-north-1:444455556666:destination:audit' } };
`,
    );
    writeFileSync(
      join(folder, 'zones.cdk.ts'),
      `import { Topic } from 'aws-cdk-lib/aws-sns';
import { Queue } from 'aws-cdk-lib/aws-sqs';
export default ({ internal }) => {
  new Topic(internal.stack, 'Notices');
  new Queue(internal.stack, 'More');
};
`,
    );
    const said: string[] = [];
    const options = {
      declarationFile: join(folder, 'zones.ts'),
      stage: undefined,
      ports: undefined,
      directory: newFolder(),
      onNotRun: (what: string) => said.push(what),
    };
    await loadAssembly(options);
    expect(said).toEqual([
      'the export of the audit (audit.export)',
      expect.stringMatching(/^journal-zone-internal\/Notices\/Resource \(AWS::SNS::Topic\)$/),
    ]);
    const [made = ''] = readdirSync(options.directory);
    writeFileSync(join(options.directory, made, 'journal-zone-internal.template.json'), '{');
    let synths = 0;
    const again = { ...options, onSynth: () => (synths += 1) };
    for (let starts = 0; starts < 2; starts += 1) await loadAssembly(again);
    // What is damaged is made anew, once.
    expect(synths).toBe(1);
  },
);
