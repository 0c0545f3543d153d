import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  RotateSecretCommand,
  SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { describe, expect, it } from 'vitest';
import type { AccessRequest } from '../../../../local/aws/call.ts';
import { AwsError } from '../../../../local/aws/errors.ts';
import { createFunctionTable } from '../../../../local/aws/lambda/service.ts';
import { createRotations, ROTATION_STEPS } from '../../../../local/aws/secrets/rotation.ts';
import { startSecretsManager } from '../../../../local/aws/secrets/service.ts';
import type { SecretSettings } from '../../../../local/aws/secrets/store.ts';
import {
  ACCOUNT,
  contextOf,
  DATA_KEY,
  functionOf,
  named,
  poolOf,
  REGION,
  rulesOf,
  secretStoreOf,
  startAws,
} from '../harness.ts';

const SecretId = `arn:aws:secretsmanager:${REGION}:${ACCOUNT}:secret:journal/client/journal-abcdef`;
const FUNCTION = functionOf('rotation');
const id = (letter: string) => letter.repeat(32);

interface Options {
  settings?: Partial<SecretSettings>;
  rules?: ReturnType<typeof rulesOf>;
  onInvoke?: (event: Record<string, string>) => unknown;
}

async function startSecrets({ settings = {}, rules = rulesOf(), onInvoke = () => null }: Options = {}) {
  const rotation = { functionArn: FUNCTION.arn, schedule: 'rate(60 days)' };
  const declared = { arn: SecretId, name: 'journal/client/journal', initialText: 'first', rotation };
  const steps: string[] = [];
  const context = contextOf({
    authorize: rules.authorize,
    secrets: secretStoreOf({ ...declared, ...settings }),
    functions: createFunctionTable([FUNCTION]),
    pool: poolOf((event: Record<string, string>) => {
      steps.push(event['Step'] ?? '');
      return onInvoke(event);
    }),
  });
  const rotations = createRotations({ ...context, throttledWaits: [0, 0] });
  const route = { vpce: 'vpce-1' };
  const aws = await startAws(() => startSecretsManager({ rotations }, context), { ...context, route });
  const client = new SecretsManagerClient(aws.config);
  return {
    client,
    rotations,
    steps,
    asked: rules.asked,
    get: (input: object = {}) => client.send(new GetSecretValueCommand({ SecretId, ...input })),
    put: (input: object) => client.send(new PutSecretValueCommand({ SecretId, ...input })),
    move: (input: { VersionStage: string; MoveToVersionId?: string; RemoveFromVersionId?: string }) =>
      client.send(new UpdateSecretVersionStageCommand({ SecretId, ...input })),
    describe: () => client.send(new DescribeSecretCommand({ SecretId })),
    rotate: (input: object = {}) => client.send(new RotateSecretCommand({ SecretId, ...input })),
  };
}

describe('versions and stages of a secret', () => {
  it("begins with the template's value as AWSCURRENT", async () => {
    const { get } = await startSecrets();
    await expect(get()).resolves.toMatchObject({ SecretString: 'first', VersionStages: ['AWSCURRENT'] });
  });

  it('moves AWSCURRENT to a new version and leaves AWSPREVIOUS behind', async () => {
    const { get, put } = await startSecrets();
    const { VersionId } = await put({ SecretString: 'second', ClientRequestToken: id('a') });
    expect(VersionId).toBe(id('a'));
    await expect(get()).resolves.toMatchObject({ SecretString: 'second', VersionId: id('a') });
    await expect(get({ VersionStage: 'AWSPREVIOUS' })).resolves.toMatchObject({ SecretString: 'first' });
  });

  it('keeps the content of a version: the same again is fine, other content is not', async () => {
    const { put } = await startSecrets();
    const version = { ClientRequestToken: id('a'), VersionStages: ['draft'] };
    await put({ ...version, SecretString: 'x' });
    await expect(put({ ...version, SecretString: 'x' })).resolves.toMatchObject({ VersionId: id('a') });
    await expect(put({ ...version, SecretString: 'y' })).rejects.toThrow(named('ResourceExistsException'));
  });

  it('moves a stage only for whoever names the version that has it', async () => {
    const { get, put, move } = await startSecrets();
    const { VersionId: first = '' } = await get();
    await put({ SecretString: 'x', ClientRequestToken: id('a'), VersionStages: ['draft'] });
    await put({ SecretString: 'y', ClientRequestToken: id('b'), VersionStages: ['other'] });
    const swap = { VersionStage: 'AWSCURRENT', MoveToVersionId: id('a') };

    await expect(move(swap)).rejects.toThrow(named('InvalidParameterException'));
    await expect(move({ ...swap, RemoveFromVersionId: id('b') })).rejects.toThrow(
      named('InvalidParameterException'),
    );
    await move({ ...swap, RemoveFromVersionId: first });
    await expect(get()).resolves.toMatchObject({ VersionId: id('a') });
    await expect(get({ VersionStage: 'AWSPREVIOUS' })).resolves.toMatchObject({ VersionId: first });
    // the second of two that race on the same read
    await expect(move({ ...swap, MoveToVersionId: id('b'), RemoveFromVersionId: first })).rejects.toThrow(
      named('InvalidParameterException'),
    );
    await expect(get()).resolves.toMatchObject({ VersionId: id('a') });
  });

  it('describes no version whose last stage was taken', async () => {
    const { put, move, describe: describeSecret } = await startSecrets();
    await put({ SecretString: 'x', ClientRequestToken: id('a'), VersionStages: ['draft'] });
    await move({ VersionStage: 'draft', RemoveFromVersionId: id('a') });
    expect(Object.keys((await describeSecret()).VersionIdsToStages ?? {})).toHaveLength(1);
  });

  it.each([
    ['an unknown secret', { SecretId: 'nobody' }, "Secrets Manager can't find the specified secret."],
    [
      'an unknown stage',
      { VersionStage: 'nowhere' },
      "Secrets Manager can't find the specified secret value for staging label: nowhere",
    ],
    [
      'an unknown version',
      { VersionId: id('z') },
      `Secrets Manager can't find the specified secret value for VersionId: ${id('z')}`,
    ],
  ])('answers ResourceNotFoundException for %s', async (_, input, message) => {
    const { get } = await startSecrets();
    await expect(get(input)).rejects.toMatchObject({ name: 'ResourceNotFoundException', message });
  });

  it('refuses a stage that the version does not have, and a short token', async () => {
    const { get, put } = await startSecrets();
    await put({ SecretString: 'x', ClientRequestToken: id('a'), VersionStages: ['draft'] });
    await expect(get({ VersionId: id('a'), VersionStage: 'AWSCURRENT' })).rejects.toThrow(
      named('InvalidRequestException'),
    );
    await expect(put({ SecretString: 'x', ClientRequestToken: 'short' })).rejects.toThrow(
      named('InvalidParameterException'),
    );
  });
});

describe('who may read a secret', () => {
  it('asks for the secret with its endpoint, then for its key without it and via Secrets Manager', async () => {
    const { get, asked } = await startSecrets({ settings: { kmsKeyId: DATA_KEY } });
    await get();
    expect(asked.map(({ action }) => action)).toEqual(['secretsmanager:GetSecretValue', 'kms:Decrypt']);
    const context = { 'aws:SourceVpce': 'vpce-1', 'secretsmanager:SecretId': SecretId };
    expect(asked[0]).toMatchObject({ context });
    expect(asked[1]?.context).toMatchObject({
      'kms:ViaService': `secretsmanager.${REGION}.amazonaws.com`,
      'kms:EncryptionContext:SecretARN': SecretId,
      'aws:ViaAWSService': 'true',
    });
    expect(asked[1]?.context).not.toHaveProperty('aws:SourceVpce');
  });

  it.each(['secretsmanager:GetSecretValue', 'kms:Decrypt'])('denies without %s', async (denied) => {
    const { get } = await startSecrets({
      settings: { kmsKeyId: DATA_KEY },
      rules: rulesOf(({ action }) => action === denied),
    });
    await expect(get()).rejects.toThrow(named('AccessDeniedException'));
  });
});

describe('rotation', () => {
  it('invokes the four steps with a token that names an empty AWSPENDING version', async () => {
    const seen: unknown[] = [];
    const started = await startSecrets({
      onInvoke: async (event) => {
        if (event['Step'] !== 'createSecret') return;
        seen.push((await started.describe()).VersionIdsToStages?.[event['ClientRequestToken'] ?? '']);
        await expect(started.get({ VersionStage: 'AWSPENDING' })).rejects.toThrow(
          named('ResourceNotFoundException'),
        );
        await started.put({
          SecretString: 'new',
          ClientRequestToken: event['ClientRequestToken'],
          VersionStages: ['AWSPENDING'],
        });
      },
    });
    const { VersionId } = await started.rotate({ ClientRequestToken: id('r') });
    expect(VersionId).toBe(id('r'));
    await expect(started.rotations.idle(SecretId)).resolves.toEqual({ ok: true });
    expect(started.steps).toEqual(ROTATION_STEPS);
    expect(seen).toEqual([['AWSPENDING']]);
    await expect(started.get({ VersionStage: 'AWSPENDING' })).resolves.toMatchObject({ SecretString: 'new' });
  });

  it('stops at a step that fails; the next RotateSecret takes the same version up again', async () => {
    let broken = true;
    const tokens = new Set<string>();
    const { rotate, rotations, steps } = await startSecrets({
      onInvoke: (event) => {
        tokens.add(event['ClientRequestToken'] ?? '');
        return broken && event['Step'] === 'setSecret' ? new Error('HelseID is away') : null;
      },
    });
    await rotate({ ClientRequestToken: id('r') });
    await expect(rotations.idle(SecretId)).resolves.toEqual({
      ok: false,
      step: 'setSecret',
      error: 'Error: HelseID is away',
    });
    broken = false;
    await expect(rotate({ ClientRequestToken: id('s') })).rejects.toThrow(named('InvalidRequestException'));
    await expect(rotations.idle(SecretId)).resolves.toEqual({ ok: true });
    expect(steps).toEqual(['createSecret', 'setSecret', ...ROTATION_STEPS]);
    expect([...tokens]).toEqual([id('r')]);
  });

  it('waits for its turn where the function works on another secret, and gives up in the end', async () => {
    const busy = (times: number) => () => {
      times -= 1;
      if (times >= 0) throw new AwsError('TooManyRequestsException', 'Rate Exceeded.', 429);
    };
    const patient = await startSecrets({ onInvoke: busy(2) });
    await patient.rotate();
    await expect(patient.rotations.idle(SecretId)).resolves.toEqual({ ok: true });
    const hopeless = await startSecrets({ onInvoke: busy(3) });
    await hopeless.rotate();
    await expect(hopeless.rotations.idle(SecretId)).resolves.toMatchObject({
      ok: false,
      step: 'createSecret',
    });
  });

  it('is started by whoever may invoke the function too, by what Secrets Manager does for the caller', async () => {
    const byCaller = ({ action, caller }: AccessRequest) =>
      action === 'lambda:InvokeFunction' && caller.kind === 'role';
    const { rotate, rotations, asked, steps } = await startSecrets({ rules: rulesOf(byCaller) });
    await expect(rotate()).rejects.toThrow(named('AccessDeniedException'));
    const [need] = asked.filter(byCaller);
    expect(need).toMatchObject({ resource: FUNCTION.arn, context: { 'aws:ViaAWSService': 'true' } });
    expect(need?.context).not.toHaveProperty('aws:SourceVpce');
    await expect(rotations.idle(SecretId)).resolves.toBeUndefined();
    expect(steps).toEqual([]);
  });

  it('needs a function that Secrets Manager may invoke', async () => {
    const { rotate } = await startSecrets({ settings: { rotation: undefined } });
    await expect(rotate()).rejects.toThrow(named('InvalidRequestException'));
    const denied = await startSecrets({
      rules: rulesOf(({ caller }) => caller.arn === 'secretsmanager.amazonaws.com'),
    });
    await denied.rotate();
    await expect(denied.rotations.idle(SecretId)).resolves.toMatchObject({ ok: false, step: 'createSecret' });
    const { context } = denied.asked.at(-1) ?? { context: {} };
    expect(context).toMatchObject({ 'aws:SourceArn': SecretId, 'aws:SourceAccount': ACCOUNT });
  });
});
