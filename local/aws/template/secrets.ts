import { objectOf, stringOf } from '../../../infra/proof/assembly/json.ts';
import { type ResolvedAssembly, resourcesOfType } from '../../../infra/proof/assembly/resolve.ts';
import type { SecretSettings } from '../secrets/store.ts';
import { tagsOf } from './tags.ts';

/** The secrets of the template with their rotation schedules. */
export function readSecrets(assembly: ResolvedAssembly): SecretSettings[] {
  const rotations = new Map(
    resourcesOfType(assembly, 'AWS::SecretsManager::RotationSchedule').map(({ properties }) => [
      String(properties['SecretId']),
      {
        functionArn: String(properties['RotationLambdaARN']),
        schedule: stringOf(objectOf(properties['RotationRules'])['ScheduleExpression']) ?? '',
      },
    ]),
  );
  return resourcesOfType(assembly, 'AWS::SecretsManager::Secret').map(({ physicalId, arn, properties }) => {
    const [description, kmsKeyId, initialText] = ['Description', 'KmsKeyId', 'SecretString'].map((name) =>
      stringOf(properties[name]),
    );
    const rotation = rotations.get(physicalId);
    return {
      arn: arn ?? physicalId,
      name: stringOf(properties['Name']) ?? physicalId,
      tags: tagsOf(properties),
      ...(description === undefined ? {} : { description }),
      ...(kmsKeyId === undefined ? {} : { kmsKeyId }),
      ...(initialText === undefined ? {} : { initialText }),
      ...(rotation === undefined ? {} : { rotation }),
    };
  });
}
