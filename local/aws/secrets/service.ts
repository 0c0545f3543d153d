import { randomUUID } from 'node:crypto';
import * as v from 'valibot';
import { type Call, type Context, forwardCall, type Need } from '../call.ts';
import type { AwsContext } from '../context.ts';
import { AwsError } from '../errors.ts';
import { type Scheduled, startSchedules } from '../events/schedule.ts';
import { useKey } from '../kms/keys.ts';
import { requireInvoke } from '../lambda/service.ts';
import { type Emulator, jsonEmulator, type Operation, operationsOn, text, texts } from '../operation.ts';
import type { Rotations } from './rotation.ts';
import { findVersion, putVersion, type Secret, type StoredVersion, updateStage } from './store.ts';

const SERVICE = 'secretsmanager.amazonaws.com';

const optionalText = v.optional(text());

/**
 * The local Secrets Manager: versions and stages by AWS's rules, for the secrets that the template declares, which it rotates on their
 * schedules. Binary values are refused: the project has none.
 */
export function startSecretsManager({ rotations }: { rotations: Rotations }, context: AwsContext): Emulator {
  const { secrets, authorize, now } = context;
  const onSecret = operationsOn<Secret>('SecretId', secrets.find, secretNeed);
  /** Secrets Manager asks KMS itself, so the caller's endpoint is not in that request; `kms:ViaService` is. */
  const decrypt = (call: Call, secret: Secret, version: string, ...more: 'kms:GenerateDataKey'[]) =>
    useKey(context.keys, forwardCall(authorize, call, SERVICE), secret.settings.kmsKeyId, {
      viaService: `secretsmanager.${context.region}.amazonaws.com`,
      actions: [...more, 'kms:Decrypt'],
      encryptionContext: { SecretARN: secret.stored.arn, SecretVersionId: version },
      refusal: { code: 'AccessDeniedException', message: 'Access to KMS is not allowed' },
    });
  const operations: Record<string, Operation> = {
    ...onSecret(
      'GetSecretValue',
      { VersionId: optionalText, VersionStage: optionalText },
      (secret, { VersionId, VersionStage }, call) => {
        const version = findVersion(secret.stored, VersionId, VersionStage);
        decrypt(call, secret, version.id);
        const { text: SecretString, created: CreatedDate } = version;
        return { ...described(secret, version), SecretString, CreatedDate };
      },
      (of) => ({ 'secretsmanager:VersionId': of.VersionId, 'secretsmanager:VersionStage': of.VersionStage }),
    ),
    ...onSecret(
      'PutSecretValue',
      {
        ClientRequestToken: optionalText,
        SecretString: text(),
        VersionStages: texts,
        RotationToken: v.optional(v.string()),
      },
      (secret, { ClientRequestToken, SecretString, VersionStages }, call) => {
        const id = requestToken(ClientRequestToken);
        decrypt(call, secret, id, 'kms:GenerateDataKey');
        const version = putVersion(secret.stored, { id, text: SecretString, stages: VersionStages }, now());
        secrets.save();
        return described(secret, version);
      },
    ),
    ...onSecret('DescribeSecret', {}, ({ stored, settings }) => ({
      ARN: stored.arn,
      Name: stored.name,
      CreatedDate: stored.created,
      LastChangedDate: stored.changed,
      Description: settings.description,
      KmsKeyId: settings.kmsKeyId,
      RotationEnabled: settings.rotation !== undefined,
      RotationLambdaARN: settings.rotation?.functionArn,
      RotationRules: settings.rotation && { ScheduleExpression: settings.rotation.schedule },
      Tags: Object.entries(settings.tags).map(([Key, Value]) => ({ Key, Value })),
      VersionIdsToStages: Object.fromEntries(
        stored.versions.filter(({ stages }) => stages.length > 0).map(({ id, stages }) => [id, [...stages]]),
      ),
    })),
    ...onSecret(
      'ListSecretVersionIds',
      { IncludeDeprecated: v.optional(v.boolean(), false) },
      ({ stored }, { IncludeDeprecated: all }) => ({
        ARN: stored.arn,
        Name: stored.name,
        Versions: stored.versions
          .filter(({ stages }) => all || stages.length > 0)
          .map(({ id: VersionId, stages, created: CreatedDate }) => ({
            VersionId,
            VersionStages: [...stages],
            CreatedDate,
          })),
      }),
    ),
    ...onSecret(
      'UpdateSecretVersionStage',
      { VersionStage: text(256), MoveToVersionId: optionalText, RemoveFromVersionId: optionalText },
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
      { ClientRequestToken: optionalText },
      (secret, { ClientRequestToken }, call) => {
        const { rotation } = secret.settings;
        const none = 'No Lambda rotation function ARN is associated with this secret.';
        if (rotation === undefined) throw new AwsError('InvalidRequestException', none);
        requireInvoke(forwardCall(authorize, call, SERVICE), { arn: rotation.functionArn });
        const VersionId = requestToken(ClientRequestToken);
        rotations.begin(secret, VersionId);
        return { ARN: secret.stored.arn, Name: secret.stored.name, VersionId };
      },
      () => ({ 'secretsmanager:RotateImmediately': 'true' }),
    ),
  };
  const stop = startSchedules(rotationSchedules(rotations, context), now);
  return jsonEmulator({ name: 'secretsmanager', target: 'secretsmanager', version: '1.1', operations }, stop);
}

/** The permission to do `action` with a secret. */
function secretNeed(action: string, { stored, settings }: Secret, _call: Call, more: Context): Need {
  const tags = Object.entries(settings.tags).map(([tag, of]) => [`secretsmanager:ResourceTag/${tag}`, of]);
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
