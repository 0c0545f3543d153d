import { randomUUID } from 'node:crypto';
import * as v from 'valibot';
import { type Call, type Context, forwardCall, type Need } from '../call.ts';
import type { AwsContext } from '../context.ts';
import { AwsError } from '../errors.ts';
import { type Scheduled, startSchedules } from '../events/schedule.ts';
import { useKey } from '../kms/keys.ts';
import { type Emulator, jsonEmulator, type Operation, operationsOn, text, texts } from '../operation.ts';
import type { Rotations } from './rotation.ts';
import {
  moveStage,
  requireVersion,
  type Secret,
  type StoredVersion,
  updateStage,
  versionAt,
} from './store.ts';

const SERVICE = 'secretsmanager.amazonaws.com';

/** The caller's `ClientRequestToken`, which becomes a version id. */
const token = v.optional(text());

/** The local Secrets Manager: versions and stages by AWS's rules, for the secrets that the template declares, which it rotates on their schedules. */
export function startSecretsManager({ rotations }: { rotations: Rotations }, context: AwsContext): Emulator {
  const onSecret = operationsOn<Secret>('SecretId', context.secrets.find, secretNeed);
  return jsonEmulator(
    {
      name: 'secretsmanager',
      target: 'secretsmanager',
      version: '1.1',
      operations: {
        ...valueOperations(onSecret, context),
        ...versionOperations(onSecret, rotations, context),
      },
    },
    startSchedules(rotationSchedules(rotations, context), context.now),
  );
}

type OnSecret = ReturnType<typeof operationsOn<Secret>>;

/** The permission to do `action` with a secret. */
function secretNeed(action: string, { stored, settings }: Secret, _call: Call, more: Context): Need {
  const tags = Object.entries(settings.tags).flatMap(([name, value]) => [
    [`aws:ResourceTag/${name}`, value],
    [`secretsmanager:ResourceTag/${name}`, value],
  ]);
  return {
    action: `secretsmanager:${action}`,
    resource: stored.arn,
    context: {
      'secretsmanager:SecretId': stored.arn,
      'secretsmanager:resource/AllowRotationLambdaArn': settings.rotation?.functionArn,
      ...Object.fromEntries(tags),
      ...more,
    },
  };
}

/** `GetSecretValue` and `PutSecretValue`. Binary values are refused: the project has none. */
function valueOperations(onSecret: OnSecret, context: AwsContext): Record<string, Operation> {
  return {
    ...onSecret(
      'GetSecretValue',
      { VersionId: v.optional(text()), VersionStage: v.optional(text()) },
      (secret, { VersionId, VersionStage }, call) => {
        const version = findVersion(secret, VersionId, VersionStage);
        useSecretKey(context, call, secret, version.id, ['kms:Decrypt']);
        const { text: SecretString, created: CreatedDate } = version;
        return { ...described(secret, version), SecretString, CreatedDate };
      },
      ({ VersionId, VersionStage }) => ({
        'secretsmanager:VersionId': VersionId,
        'secretsmanager:VersionStage': VersionStage,
      }),
    ),
    ...onSecret(
      'PutSecretValue',
      {
        ClientRequestToken: token,
        SecretString: text(),
        VersionStages: texts,
        RotationToken: v.optional(v.string()),
      },
      (secret, { ClientRequestToken, SecretString, VersionStages }, call) => {
        const id = requestToken(ClientRequestToken);
        useSecretKey(context, call, secret, id, ['kms:GenerateDataKey', 'kms:Decrypt']);
        const version = putVersion(secret, id, SecretString, VersionStages, context.now());
        context.secrets.save();
        return described(secret, version);
      },
    ),
  };
}

function described({ stored }: Secret, version: StoredVersion) {
  return { ARN: stored.arn, Name: stored.name, VersionId: version.id, VersionStages: version.stages };
}

/**
 * The caller's token or a new one.
 * @throws {AwsError} InvalidParameterException
 */
function requestToken(given: string = randomUUID()): string {
  if (given.length >= 32 && given.length <= 64) return given;
  throw new AwsError('InvalidParameterException', 'ClientRequestToken must be 32 to 64 characters long.');
}

function findVersion(
  { stored }: Secret,
  id: string | undefined,
  stage = id === undefined ? 'AWSCURRENT' : undefined,
): StoredVersion & { text: string } {
  const version = id === undefined ? versionAt(stored, stage ?? '') : requireVersion(stored, id);
  const text = version?.text;
  if (version === undefined || text === undefined) {
    const named = stage === undefined ? `VersionId: ${id}` : `staging label: ${stage}`;
    throw new AwsError(
      'ResourceNotFoundException',
      `Secrets Manager can't find the specified secret value for ${named}`,
    );
  }
  if (stage !== undefined && !version.stages.includes(stage)) {
    throw new AwsError(
      'InvalidRequestException',
      'You provided a VersionStage that is not associated to the provided VersionId.',
    );
  }
  return { ...version, text };
}

/** Content of a version never changes: the same content again is no error, other content is. */
function putVersion(
  { stored }: Secret,
  id: string,
  text: string,
  asked: readonly string[],
  now: number,
): StoredVersion {
  const existing = stored.versions.find((version) => version.id === id);
  if (existing?.text !== undefined && existing.text !== text) {
    throw new AwsError(
      'ResourceExistsException',
      `You can't use ClientRequestToken ${id} because that value is already in use for a version of secret ${stored.arn}.`,
    );
  }
  if (existing?.text === text) return existing;
  const version = existing ?? { id, created: Math.floor(now / 1000), stages: [] };
  version.text = text;
  if (existing === undefined) stored.versions.push(version);
  const first = stored.versions.every((other) => other === version || other.text === undefined);
  const stages = asked.length === 0 || first ? new Set([...asked, 'AWSCURRENT']) : asked;
  for (const stage of stages) moveStage(stored, stage, version);
  stored.changed = Math.floor(now / 1000);
  return version;
}

/** Secrets Manager asks KMS itself, so the caller's endpoint is not in that request; `kms:ViaService` is. */
function useSecretKey(
  { keys, authorize, region }: AwsContext,
  call: Call,
  { stored, settings }: Secret,
  versionId: string,
  actions: readonly ('kms:Decrypt' | 'kms:GenerateDataKey')[],
): void {
  useKey(keys, forwardCall(authorize, call, SERVICE), settings.kmsKeyId, {
    viaService: `secretsmanager.${region}.amazonaws.com`,
    actions,
    encryptionContext: { SecretARN: stored.arn, SecretVersionId: versionId },
    refusal: { code: 'AccessDeniedException', message: 'Access to KMS is not allowed' },
  });
}

/** `DescribeSecret`, `UpdateSecretVersionStage` and `RotateSecret`. */
function versionOperations(
  onSecret: OnSecret,
  rotations: Rotations,
  { secrets, authorize }: AwsContext,
): Record<string, Operation> {
  return {
    ...onSecret('DescribeSecret', {}, ({ stored, settings }) => ({
      ARN: stored.arn,
      Name: stored.name,
      Description: settings.description,
      KmsKeyId: settings.kmsKeyId,
      RotationEnabled: settings.rotation !== undefined,
      RotationLambdaARN: settings.rotation?.functionArn,
      RotationRules: settings.rotation && { ScheduleExpression: settings.rotation.schedule },
      LastChangedDate: stored.changed,
      CreatedDate: stored.created,
      Tags: Object.entries(settings.tags).map(([Key, Value]) => ({ Key, Value })),
      VersionIdsToStages: Object.fromEntries(
        stored.versions.filter(({ stages }) => stages.length > 0).map(({ id, stages }) => [id, [...stages]]),
      ),
    })),
    ...onSecret(
      'UpdateSecretVersionStage',
      {
        VersionStage: text(256),
        MoveToVersionId: v.optional(text()),
        RemoveFromVersionId: v.optional(text()),
      },
      ({ stored }, { VersionStage, MoveToVersionId: to, RemoveFromVersionId: from }) => {
        updateStage(stored, VersionStage, { to, from });
        secrets.save();
        return { ARN: stored.arn, Name: stored.name };
      },
      ({ VersionStage }) => ({ 'secretsmanager:VersionStage': VersionStage }),
    ),
    // Of the function that the template gave the secret: other functions and schedules are refused, and rotations that do not begin
    // at once. The caller must be allowed to invoke it, by what Secrets Manager does on its behalf.
    ...onSecret(
      'RotateSecret',
      { ClientRequestToken: token },
      (secret, { ClientRequestToken }, call) => {
        const { rotation } = secret.settings;
        if (rotation === undefined) {
          throw new AwsError(
            'InvalidRequestException',
            'No Lambda rotation function ARN is associated with this secret.',
          );
        }
        forwardCall(authorize, call, SERVICE).require({
          action: 'lambda:InvokeFunction',
          resource: rotation.functionArn,
          context: { 'lambda:FunctionArn': rotation.functionArn },
        });
        const VersionId = requestToken(ClientRequestToken);
        rotations.begin(secret, VersionId);
        return { ARN: secret.stored.arn, Name: secret.stored.name, VersionId };
      },
      () => ({ 'secretsmanager:RotateImmediately': 'true' }),
    ),
  };
}

function rotationSchedules(rotations: Rotations, { secrets, trail }: AwsContext): Scheduled[] {
  return secrets.list().flatMap((secret) => {
    const { rotation } = secret.settings;
    if (rotation === undefined || rotation.schedule === '') return [];
    const run = () => {
      try {
        rotations.begin(secret, randomUUID());
      } catch (cause) {
        const fields = { event: 'rotation', secret: secret.stored.name, error: String(cause) };
        trail.add({ kind: 'platform', fields });
      }
    };
    return [{ expression: rotation.schedule, run }];
  });
}
