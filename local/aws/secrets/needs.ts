import type { Context, Need } from '../authorize.ts';
import type { Call, Input } from '../call.ts';
import { requiredText } from '../input.ts';
import type { Secret, SecretStore } from './store.ts';

/** The permission to do `action` with the secret that `SecretId` names. */
export function secretNeed(secret: Secret, action: string, more: Context = {}): Need {
  const { stored, settings } = secret;
  const tags = Object.entries(settings.tags).map(([name, value]) => [`aws:ResourceTag/${name}`, value]);
  const resourceTags = Object.entries(settings.tags).map(([name, value]) => [
    `secretsmanager:ResourceTag/${name}`,
    value,
  ]);
  return {
    action: `secretsmanager:${action}`,
    resource: stored.arn,
    context: {
      'secretsmanager:SecretId': stored.arn,
      ...(settings.rotation === undefined
        ? {}
        : { 'secretsmanager:resource/AllowRotationLambdaArn': settings.rotation.functionArn }),
      ...Object.fromEntries([...tags, ...resourceTags]),
      ...more,
    },
  };
}

/** The needs of an operation on one secret. */
export function needOnSecret(
  secrets: SecretStore,
  action: string,
  more: (input: Input) => Context = () => ({}),
) {
  return (input: Input, _call: Call): Need[] => [
    secretNeed(secrets.find(requiredText(input, 'SecretId', 2048)), action, more(input)),
  ];
}
