import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { EmbeddedJWK, importJWK, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compileHandler } from '../../../infra/bundling.ts';
import { AwsError } from '../../../local/aws/errors.ts';
import { startKms } from '../../../local/aws/kms/service.ts';
import { createRotations } from '../../../local/aws/secrets/rotation.ts';
import { startSecretsManager } from '../../../local/aws/secrets/service.ts';
import { sampled } from '../../full.ts';
import {
  contextOf,
  createSigningKey,
  dataKeyStore,
  rulesOf,
  secretStoreOf,
  serveAws,
} from '../../local/aws/harness.ts';
import { newFolder } from '../../temporary.ts';
import { testGrant } from './grant-fixture.ts';

const run = promisify(execFile);
const { code: bundle } = compileHandler('signer');
const folder = newFolder();
const grant = testGrant();
const RECORD_ARN = 'arn:aws:secretsmanager:eu-north-1:000000000000:secret:journal/client/journal-AbCdEf';
let aws: Awaited<ReturnType<typeof serveAws>>;
let key: Awaited<ReturnType<typeof createSigningKey>>;
/** Whether KMS throttles. */
let throttled = false;

/** What was asked of AWS so far. */
function operations(): unknown[] {
  return aws.context.trail.lines().map(({ fields }) => fields['operation']);
}

/** Runs the deployed bundle in a process of its own, with the environment that Lambda would give it. */
async function invoke(event: unknown, environment: Record<string, string> = {}) {
  const env = {
    AWS_REGION: 'eu-north-1',
    AWS_ACCESS_KEY_ID: aws.access.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: aws.access.credentials.secretAccessKey,
    AWS_SESSION_TOKEN: aws.access.credentials.sessionToken ?? '',
    AWS_ENDPOINT_URL_KMS: aws.url,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: aws.url,
    RECORD_ARN,
    ...environment,
  };
  const script = `
    const { handler } = await import(${JSON.stringify(pathToFileURL(join(folder, 'index.mjs')).href)});
    const answer = await handler(JSON.parse(process.argv[1]), { awsRequestId: 'request-1' });
    console.log(JSON.stringify({ answer }));`;
  const args = ['--input-type=module', '-e', script, JSON.stringify(event)];
  const { stdout } = await run(process.execPath, args, { env });
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  return { answer: lines.at(-1).answer, lines: lines.slice(0, -1) };
}

beforeAll(async () => {
  const { authorize } = rulesOf(({ action }) => {
    if (throttled && action === 'kms:Sign') throw new AwsError('ThrottlingException', 'Rate exceeded');
    return false;
  });
  const keys = dataKeyStore();
  key = await createSigningKey(contextOf({ keys }));
  const { client, clientId, issuer } = grant;
  const record = { version: 1, client, clientId, issuer, keys: [key.entry] };
  const secrets = secretStoreOf({ arn: RECORD_ARN, name: 'journal', initialText: JSON.stringify(record) });
  aws = await serveAws(
    (context) => [startKms(context), startSecretsManager({ rotations: createRotations(context) }, context)],
    { authorize, keys, secrets },
  );
  writeFileSync(join(folder, 'index.mjs'), bundle);
  writeFileSync(join(folder, 'grant.json'), JSON.stringify(grant));
});

afterAll(async () => {
  await aws.close();
});

test('the bundle is under 400 KB', () => {
  expect(bundle.length).toBeLessThan(400_000);
});

test('the bundle signs what its grant.json allows, with the record and the key that AWS holds', async () => {
  const { answer, lines } = await invoke({
    intents: [
      { kind: 'client_assertion', client: 'journal', issuer: grant.issuer },
      { kind: 'dpop_proof', client: 'journal', method: 'POST', url: `${grant.issuer}/connect/token` },
    ],
  });
  const [assertion, proof] = answer.signatures;
  const published = await importJWK({ ...key.jwk }, 'ES256');
  await jwtVerify(assertion.jws, published, { audience: grant.issuer, subject: grant.clientId });
  await jwtVerify(proof.jws, EmbeddedJWK, { typ: 'dpop+jwt' });
  expect(lines.filter((line) => line.code === 'signed')).toMatchObject([
    { service: 'journal', zone: 'public', kid: key.entry.kid, request_id: 'request-1' },
    { kind: 'dpop_proof' },
  ]);
  expect(lines.filter((line) => line._aws)).toHaveLength(2);
  expect(operations()).toEqual(['GetSecretValue', 'GetPublicKey', 'Sign', 'Sign']);
});

test('record and public key are read while it initialises, whatever it is then asked', async () => {
  const before = operations().length;
  const { answer } = await invoke({ intents: [] });
  expect(answer).toMatchObject({ error: { code: 'request_malformed' } });
  expect(operations().slice(before)).toEqual(['GetSecretValue', 'GetPublicKey']);
});

/** Every variable that anything in the bundle, or a logger that somebody may put there, takes a level or a switch from. */
const SILENCING: Record<string, string> = {
  ...Object.fromEntries(
    [...new Set(`${Buffer.from(bundle)}`.match(/\bPOWERTOOLS_[A-Z_]+\b/g))].map((name) => [name, 'true']),
  ),
  AWS_LAMBDA_LOG_LEVEL: 'FATAL',
  AWS_LAMBDA_LOG_FORMAT: 'JSON',
  POWERTOOLS_LOG_LEVEL: 'SILENT',
  POWERTOOLS_LOGGER_SAMPLE_RATE: '0',
  POWERTOOLS_DEV: 'true',
  LOG_LEVEL: 'silent',
  NODE_ENV: 'production',
  NODE_DEBUG: '',
};

describe('the audit can’t be switched off from outside', () => {
  const event = { intents: [{ kind: 'client_assertion', client: 'journal', issuer: grant.issuer }] };

  test.each(sampled(Object.entries({ all: '', ...SILENCING })))('by %s', async (name, value) => {
    const { lines } = await invoke(event, name === 'all' ? SILENCING : { [name]: value });
    expect(lines.filter((line) => line.code === 'signed')).toHaveLength(1);
  });

  test('nor by any level that Lambda can be told to filter by', async () => {
    const { lines } = await invoke(event, SILENCING);
    // Of a line with the highest level and a timestamp (RFC 3339) Lambda knows the level, and no filter is above it:
    // https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
    const timestamp = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
    expect(lines).toContainEqual(expect.objectContaining({ code: 'signed', level: 'FATAL', timestamp }));
  });
});

test('what KMS throttles is shed at once, with a code and when to come back', async () => {
  throttled = true;
  const before = operations().length;
  const { answer } = await invoke({
    intents: [{ kind: 'client_assertion', client: 'journal', issuer: grant.issuer }],
  });
  expect(answer).toMatchObject({ error: { code: 'kms_throttled', facts: { retry_after: 1 } } });
  throttled = false;
  expect(
    operations()
      .slice(before)
      .filter((operation) => operation === 'Sign'),
  ).toHaveLength(1);
});

test('without RECORD_ARN it does not start', async () => {
  await expect(invoke({ intents: [] }, { RECORD_ARN: '' })).rejects.toMatchObject({
    stderr: expect.stringContaining('RECORD_ARN is missing'),
  });
});
