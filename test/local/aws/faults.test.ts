import { KMSClient } from '@aws-sdk/client-kms';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { Grant } from '@helseid-zones/protocol/grant';
import { helseIdProfile } from '@helseid-zones/protocol/profile';
import { decodeJwt, EmbeddedJWK, jwtVerify } from 'jose';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createAudit } from '../../../functions/signer/audit.ts';
import { AWS_BOUNDS, createKeyReader, shedThrottled } from '../../../functions/signer/kms.ts';
import { createRecordReader } from '../../../functions/signer/read-record.ts';
import { createSignRequest } from '../../../functions/signer/sign-request.ts';
import { reconcile } from '../../../infra/keys/reconcile.ts';
import { callJson } from '../../../local/aws/aws-client.ts';
import { createFaults } from '../../../local/aws/faults.ts';
import { startKms } from '../../../local/aws/kms/service.ts';
import { jsonEmulator, operation } from '../../../local/aws/operation.ts';
import { createRotations } from '../../../local/aws/secrets/rotation.ts';
import { startSecretsManager } from '../../../local/aws/secrets/service.ts';
import { cloudTrailEvent } from '../../../local/aws/trail.ts';
import { watch } from '../../canaries.ts';
import { collectLog } from '../../fakes/log.ts';
import { FULL } from '../../full.ts';
import { ACCOUNT, createSigningKey, secretStoreOf, startAws } from './harness.ts';

type Fault = Parameters<ReturnType<typeof createFaults>['inject']>[1];

describe('a fault that was injected', () => {
  /** A service that counts, behind a listener with faults. */
  async function start() {
    const faults = createFaults();
    const done = { calls: 0 };
    const count = operation(
      {},
      () => [],
      () => ({ calls: ++done.calls }),
    );
    const version = '1.1' as const;
    const { access } = await startAws(
      () => jsonEmulator({ name: 'kms', target: 'T', version, operations: { Count: count, Other: count } }),
      { faults },
    );
    const ask = async (name = 'Count') => {
      const { status, error } = await callJson(access, 'kms', `T.${name}`, {});
      return error?.code ?? status;
    };
    return { faults, done, ask };
  }

  test('meets the next calls of its operation, and no other call', async () => {
    const { faults, done, ask } = await start();
    const throttled = { error: 'Throttled', status: 429 };
    const { met } = faults.inject({ service: 'kms', operation: 'Count' }, throttled, 2);
    faults.inject({ service: 'sqs' }, { error: 'Never' });
    faults.inject({ service: 'kms', functionArn: 'arn:of:another' }, { error: 'Never' });
    const answers = [await ask('Other'), await ask(), await ask(), await ask()];
    expect(answers).toEqual([200, 'Throttled', 'Throttled', 200]);
    expect([met(), done.calls]).toEqual([2, 2]);
  });

  test('lasts until it is ended', async () => {
    const { faults, ask } = await start();
    const { end } = faults.inject({ service: 'kms' }, { error: 'Down', status: 500 });
    for (let n = 0; n < 3; n += 1) expect(await ask()).toBe('Down');
    end();
    expect(await ask()).toBe(200);
  });

  test('a call whose answer is lost is done', async () => {
    const { faults, done, ask } = await start();
    faults.inject({ service: 'kms' }, { lost: true }, 1);
    await expect(ask()).rejects.toThrow('fetch failed');
    expect(done.calls).toBe(1);
  });
});

/** The signing function's own parts on a local KMS and Secrets Manager with faults. */
async function startSigner() {
  const faults = createFaults();
  const name = 'record';
  const arn = 'arn:aws:secretsmanager:eu-north-1:000000000000:secret:record-AAAAAA';
  const secrets = secretStoreOf({ arn, name });
  const aws = await startAws(
    (context) => [startKms(context), startSecretsManager({ rotations: createRotations(context) }, context)],
    { faults, secrets },
  );
  const { entry } = await createSigningKey(aws.context);
  const owner = { client: 'journal', clientId: 'client-1', issuer: 'https://sts.test' };
  const record = { version: 1, ...owner, keys: [entry] };
  await callJson(aws.access, 'secretsmanager', 'secretsmanager.PutSecretValue', {
    SecretId: name,
    SecretString: JSON.stringify(record),
  });
  const { maxAttempts: _, ...config } = aws.config;
  const kms = shedThrottled(new KMSClient({ ...config, ...AWS_BOUNDS }));
  const store = new SecretsManagerClient({ ...config, ...AWS_BOUNDS });
  onTestFinished(() => {
    kms.destroy();
    store.destroy();
  });
  const log = collectLog(Date.now);
  const grant: Grant = {
    version: 1,
    system: 'journal',
    zone: 'public',
    ...owner,
    tenancy: 'single-tenant',
    profile: helseIdProfile,
    assertions: { details: 'none' },
    requestObjects: false,
    proofs: [{ origin: owner.issuer, methods: ['POST'], paths: ['/*'], ath: false }],
  };
  const environment = () =>
    createSignRequest({
      grant,
      kms,
      readKey: createKeyReader(kms),
      readRecord: createRecordReader(
        async () => (await store.send(new GetSecretValueCommand({ SecretId: name }))).SecretString,
        owner,
        Date.now,
      ),
      now: Date.now,
      randomId: () => crypto.randomUUID(),
      audit: (requestId) => createAudit(log, grant, requestId),
    });
  const proof = { kind: 'dpop_proof', client: 'journal', method: 'POST', url: `${owner.issuer}/token` };
  const signed = () => log.lines.filter(({ code }) => code === 'signed');
  const role = 'journal-signer-journal-public';
  const through = {
    userIdentity: { arn: `arn:aws:sts::${ACCOUNT}:assumed-role/${role}/s` },
    vpcEndpointId: 'vpce-1',
  };
  /** What CloudTrail has of it all, compared with what the signer tells. */
  const audited = () => {
    const events = aws.context.trail.lines().flatMap((line) => cloudTrailEvent(line) ?? []);
    const records = [...events.map((each) => ({ ...each, ...through })), ...log.lines];
    return reconcile(records, new Map([[entry.keyArn, { kid: entry.kid, signers: [role] }]]), 'journal');
  };
  return { faults, environment, signed, audited, event: { intents: [proof] } };
}

/** A service, what it is, which operation meets which fault how often, what comes of the first request, and how many signatures KMS made for nobody. */
type Row = [string, string, string, Fault, number, string, number?];

const SECRETS = 'secretsmanager';
const DOWN = { error: 'InternalServiceError', status: 500 };

describe('a signer that meets it', () => {
  test.each<Row>([
    ['kms', 'throttled for a call', 'Sign', { error: 'ThrottlingException' }, 1, 'kms_throttled'],
    ['kms', 'down', 'Sign', { error: 'KMSInternalException', status: 500 }, 9, 'kms_unavailable'],
    ['kms', 'down for a call', 'Sign', { error: 'KMSInternalException', status: 500 }, 1, 'signed'],
    ...(FULL ? [['kms', 'too slow for a call', 'Sign', { slow: 2000 }, 1, 'signed', 1] as Row] : []),
    ['kms', 'answering, and the answer lost', 'Sign', { lost: true }, 1, 'signed', 1],
    ['kms', 'answering, and each answer lost', 'Sign', { lost: true }, 9, 'kms_unavailable', 3],
    ['kms', 'with a disabled key', 'Sign', { error: 'DisabledException' }, 9, 'key_not_usable'],
    [SECRETS, 'down', 'GetSecretValue', DOWN, 9, 'record_unavailable'],
    [SECRETS, 'down for a call', 'GetSecretValue', DOWN, 1, 'signed'],
    [SECRETS, 'throttling', 'GetSecretValue', { error: 'ThrottlingException' }, 9, 'record_unavailable'],
  ])(
    '%s %s, at a cold start: refuses coded or signs once, and signs when it is over',
    async (service, _, operation, fault, calls, expected, lost = 0) => {
      const { faults, environment, signed, audited, event } = await startSigner();
      const plan = faults.inject({ service, operation }, fault, calls);
      const sign = environment();
      const first = await sign(event, 'request-1');
      if ('error' in first) watch(first, 'an answer');
      expect(plan.met()).toBeGreaterThan(0);
      expect('error' in first ? first.error.code : 'signed').toBe(expected);
      // Nothing is audited as signed that was not handed out, and nothing twice.
      expect(signed()).toHaveLength('error' in first ? 0 : 1);
      plan.end();
      const began = performance.now();
      const second = await sign(event, 'request-2');
      expect(performance.now() - began).toBeLessThan(5000);
      const answers = [first, second].flatMap((each) => ('signatures' in each ? each.signatures : []));
      expect(answers).toHaveLength(expected === 'signed' ? 2 : 1);
      for (const { jws } of answers) await jwtVerify(jws, EmbeddedJWK, { typ: 'dpop+jwt' });
      expect(new Set(answers.map(({ jws }) => decodeJwt(jws).jti)).size).toBe(answers.length);
      // What was signed for nobody is no theft; a busy machine loses more answers.
      await vi.waitFor(() => expect(audited().lost).toBeGreaterThanOrEqual(lost), 3000);
      expect(audited()).toMatchObject({
        matched: answers.length,
        unreleased: 0,
        foreign: [],
        unaudited: [],
        unrecorded: [],
      });
    },
  );
});
