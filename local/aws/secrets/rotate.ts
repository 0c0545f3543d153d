import type { Operation } from '../call.ts';
import { AwsError } from '../errors.ts';
import { optionalFlag, refuseOthers, requiredText } from '../input.ts';
import { secretNeed } from './needs.ts';
import type { Rotations } from './rotation.ts';
import type { SecretStore } from './store.ts';
import { requestToken } from './values.ts';

/** `RotateSecret`, with the function that the template gave the secret. Other functions and schedules are refused here. */
export function rotateOperation(secrets: SecretStore, rotations: Rotations): Operation {
  return {
    needs(input) {
      const secret = secrets.find(requiredText(input, 'SecretId'));
      const functionArn = input['RotationLambdaARN'];
      return [
        secretNeed(secret, 'RotateSecret', {
          'secretsmanager:RotateImmediately': String(optionalFlag(input, 'RotateImmediately', true)),
          ...(typeof functionArn === 'string' ? { 'secretsmanager:RotationLambdaARN': functionArn } : {}),
        }),
      ];
    },
    run(input) {
      refuseOthers(input, 'RotateSecret', ['SecretId', 'ClientRequestToken', 'RotateImmediately']);
      const secret = secrets.find(requiredText(input, 'SecretId'));
      if (secret.settings.rotation === undefined) {
        throw new AwsError(
          'InvalidRequestException',
          'No Lambda rotation function ARN is associated with this secret.',
        );
      }
      const token = requestToken(input);
      const { versionId } = optionalFlag(input, 'RotateImmediately', true)
        ? rotations.begin(secret, token)
        : rotations.test(secret, token);
      return { ARN: secret.stored.arn, Name: secret.stored.name, VersionId: versionId };
    },
  };
}
