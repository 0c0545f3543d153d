import type { Authorize } from '../authorize.ts';
import { forwardCall, type Operation } from '../call.ts';
import { AwsError } from '../errors.ts';
import { optionalFlag, refuseOthers, requiredText } from '../input.ts';
import { secretNeed } from './needs.ts';
import type { Rotations } from './rotation.ts';
import type { SecretStore } from './store.ts';
import { requestToken } from './values.ts';

/**
 * `RotateSecret`, with the function that the template gave the secret; the caller must be allowed to invoke it, by what Secrets
 * Manager does on its behalf. Other functions and schedules are refused here.
 */
export function rotateOperation(secrets: SecretStore, rotations: Rotations, authorize: Authorize): Operation {
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
    run(input, call) {
      refuseOthers(input, 'RotateSecret', ['SecretId', 'ClientRequestToken', 'RotateImmediately']);
      const secret = secrets.find(requiredText(input, 'SecretId'));
      const { rotation } = secret.settings;
      if (rotation === undefined) {
        throw new AwsError(
          'InvalidRequestException',
          'No Lambda rotation function ARN is associated with this secret.',
        );
      }
      forwardCall(authorize, call, 'secretsmanager.amazonaws.com').require({
        action: 'lambda:InvokeFunction',
        resource: rotation.functionArn,
        context: { 'lambda:FunctionArn': rotation.functionArn },
      });
      const token = requestToken(input);
      const { versionId } = optionalFlag(input, 'RotateImmediately', true)
        ? rotations.begin(secret, token)
        : rotations.test(secret, token);
      return { ARN: secret.stored.arn, Name: secret.stored.name, VersionId: versionId };
    },
  };
}
