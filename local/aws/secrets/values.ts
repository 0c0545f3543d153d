import { randomUUID } from 'node:crypto';
import type { Authorize } from '../authorize.ts';
import type { Call, Input, Operation } from '../call.ts';
import { forwardCall } from '../call.ts';
import { AwsError } from '../errors.ts';
import { optionalText, optionalTexts, refuseOthers, requiredText } from '../input.ts';
import type { KeyStore } from '../kms/keys.ts';
import { useKey, withKmsErrorAs } from '../kms/use-key.ts';
import { needOnSecret } from './needs.ts';
import { moveStage, requireVersion, versionAt } from './stages.ts';
import type { Secret, SecretStore, StoredVersion } from './store.ts';

const MAX_TEXT = 65_536;

/** What the operations on values need. `now` is in epoch milliseconds. */
export interface SecretDeps {
  secrets: SecretStore;
  keys: KeyStore;
  authorize: Authorize;
  region: string;
  now: () => number;
}

/** `GetSecretValue` and `PutSecretValue`. Binary values are refused: the project has none. */
export function valueOperations(deps: SecretDeps): Record<string, Operation> {
  const { secrets } = deps;
  return {
    GetSecretValue: {
      needs: needOnSecret(secrets, 'GetSecretValue', ({ VersionId, VersionStage }) => ({
        ...(typeof VersionId === 'string' ? { 'secretsmanager:VersionId': VersionId } : {}),
        ...(typeof VersionStage === 'string' ? { 'secretsmanager:VersionStage': VersionStage } : {}),
      })),
      run(input, call) {
        refuseOthers(input, 'GetSecretValue', ['SecretId', 'VersionId', 'VersionStage']);
        const secret = secrets.find(requiredText(input, 'SecretId'));
        const version = findVersion(secret, input);
        useSecretKey(deps, call, secret, version.id, ['kms:Decrypt']);
        return {
          ARN: secret.stored.arn,
          Name: secret.stored.name,
          VersionId: version.id,
          SecretString: version.text,
          VersionStages: version.stages,
          CreatedDate: version.created,
        };
      },
    },
    PutSecretValue: {
      needs: needOnSecret(secrets, 'PutSecretValue'),
      run(input, call) {
        refuseOthers(input, 'PutSecretValue', [
          'SecretId',
          'ClientRequestToken',
          'SecretString',
          'VersionStages',
          'RotationToken',
        ]);
        const secret = secrets.find(requiredText(input, 'SecretId'));
        const token = requestToken(input);
        useSecretKey(deps, call, secret, token, ['kms:GenerateDataKey', 'kms:Decrypt']);
        const version = putVersion(secret, token, input, deps.now());
        secrets.save();
        return {
          ARN: secret.stored.arn,
          Name: secret.stored.name,
          VersionId: version.id,
          VersionStages: version.stages,
        };
      },
    },
  };
}

/** The caller's `ClientRequestToken`, which becomes a version id, or a new one. Throws `InvalidParameterException`. */
export function requestToken(input: Input): string {
  const token = optionalText(input, 'ClientRequestToken') ?? randomUUID();
  if (token.length < 32 || token.length > 64) {
    throw new AwsError('InvalidParameterException', 'ClientRequestToken must be 32 to 64 characters long.');
  }
  return token;
}

function findVersion({ stored }: Secret, input: Input): StoredVersion & { text: string } {
  const id = optionalText(input, 'VersionId');
  const stage = optionalText(input, 'VersionStage') ?? (id === undefined ? 'AWSCURRENT' : undefined);
  const version = id === undefined ? versionAt(stored, stage ?? '') : requireVersion(stored, id);
  const named = stage === undefined ? `VersionId: ${id}` : `staging label: ${stage}`;
  const text = version?.text;
  if (version === undefined || text === undefined) {
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
function putVersion(secret: Secret, token: string, input: Input, now: number): StoredVersion {
  const { stored } = secret;
  const text = requiredText(input, 'SecretString', MAX_TEXT);
  const existing = stored.versions.find(({ id }) => id === token);
  if (existing?.text !== undefined && existing.text !== text) {
    throw new AwsError(
      'ResourceExistsException',
      `You can't use ClientRequestToken ${token} because that value is already in use for a version of secret ${stored.arn}.`,
    );
  }
  if (existing?.text === text) return existing;
  const version = existing ?? { id: token, created: Math.floor(now / 1000), stages: [] };
  version.text = text;
  if (existing === undefined) stored.versions.push(version);
  const asked = optionalTexts(input, 'VersionStages');
  const first = stored.versions.every((other) => other === version || other.text === undefined);
  const stages = asked.length === 0 ? ['AWSCURRENT'] : first ? [...new Set([...asked, 'AWSCURRENT'])] : asked;
  for (const stage of stages) moveStage(stored, stage, version);
  stored.changed = Math.floor(now / 1000);
  return version;
}

/** Secrets Manager asks KMS itself, so the caller's endpoint is not in that request; `kms:ViaService` is (aws-corrections 11). */
function useSecretKey(
  deps: SecretDeps,
  call: Call,
  { stored, settings }: Secret,
  versionId: string,
  actions: readonly ('kms:Decrypt' | 'kms:GenerateDataKey')[],
): void {
  const { kmsKeyId } = settings;
  if (kmsKeyId === undefined) return;
  withKmsErrorAs('AccessDeniedException', 'Access to KMS is not allowed', () =>
    useKey(deps.keys, forwardCall(deps.authorize, call, 'secretsmanager.amazonaws.com'), kmsKeyId, {
      viaService: `secretsmanager.${deps.region}.amazonaws.com`,
      actions,
      encryptionContext: { SecretARN: stored.arn, SecretVersionId: versionId },
    }),
  );
}
