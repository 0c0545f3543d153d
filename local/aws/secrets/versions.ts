import type { Operation } from '../call.ts';
import { optionalFlag, optionalText, refuseOthers, requiredText } from '../input.ts';
import { needOnSecret } from './needs.ts';
import { updateStage } from './stages.ts';
import type { SecretStore } from './store.ts';

/** `DescribeSecret`, `ListSecretVersionIds` and `UpdateSecretVersionStage`. */
export function versionOperations(secrets: SecretStore): Record<string, Operation> {
  return {
    DescribeSecret: {
      needs: needOnSecret(secrets, 'DescribeSecret'),
      run(input) {
        const { stored, settings } = secrets.find(requiredText(input, 'SecretId'));
        const { rotation } = settings;
        return {
          ARN: stored.arn,
          Name: stored.name,
          Description: settings.description,
          KmsKeyId: settings.kmsKeyId,
          RotationEnabled: rotation !== undefined,
          RotationLambdaARN: rotation?.functionArn,
          ...(rotation === undefined ? {} : { RotationRules: { ScheduleExpression: rotation.schedule } }),
          LastRotatedDate: stored.rotated,
          LastChangedDate: stored.changed,
          CreatedDate: stored.created,
          Tags: Object.entries(settings.tags).map(([Key, Value]) => ({ Key, Value })),
          VersionIdsToStages: Object.fromEntries(
            stored.versions
              .filter(({ stages }) => stages.length > 0)
              .map(({ id, stages }) => [id, [...stages]]),
          ),
        };
      },
    },
    ListSecretVersionIds: {
      needs: needOnSecret(secrets, 'ListSecretVersionIds'),
      run(input) {
        refuseOthers(input, 'ListSecretVersionIds', ['SecretId', 'IncludeDeprecated', 'MaxResults']);
        const deprecated = optionalFlag(input, 'IncludeDeprecated', false);
        const { stored } = secrets.find(requiredText(input, 'SecretId'));
        return {
          ARN: stored.arn,
          Name: stored.name,
          Versions: stored.versions
            .filter(({ stages }) => deprecated || stages.length > 0)
            .map(({ id, stages, created }) => ({
              VersionId: id,
              VersionStages: stages,
              CreatedDate: created,
            })),
        };
      },
    },
    UpdateSecretVersionStage: {
      needs: needOnSecret(secrets, 'UpdateSecretVersionStage', ({ VersionStage }) =>
        typeof VersionStage === 'string' ? { 'secretsmanager:VersionStage': VersionStage } : {},
      ),
      run(input) {
        refuseOthers(input, 'UpdateSecretVersionStage', [
          'SecretId',
          'VersionStage',
          'MoveToVersionId',
          'RemoveFromVersionId',
        ]);
        const { stored } = secrets.find(requiredText(input, 'SecretId'));
        const to = optionalText(input, 'MoveToVersionId');
        const from = optionalText(input, 'RemoveFromVersionId');
        updateStage(stored, requiredText(input, 'VersionStage', 256), {
          ...(to === undefined ? {} : { to }),
          ...(from === undefined ? {} : { from }),
        });
        secrets.save();
        return { ARN: stored.arn, Name: stored.name };
      },
    },
  };
}
