import { type ResolvedResource, resourcesOfType } from '../../assembly/resolve.ts';
import { type Rule, violationsOf } from '../rule.ts';

/** No template makes a key that signs, that can be copied to another region, or whose material comes from elsewhere. */
export const templateKeysEncryptOnly: Rule = {
  name: 'template-keys-encrypt-only',
  invariant: 'I1',
  title:
    'Keys in templates encrypt and nothing else, stay in their region, and have key material of KMS’s own.',
  check: ({ assembly }) =>
    resourcesOfType(assembly, 'AWS::KMS::Key').flatMap((key) =>
      violationsOf(problemsOf(key), {
        resource: key.constructPath,
        subject: `Key ${key.constructPath}`,
        path: ['whoever deploys', key.constructPath],
        remedy: 'Let rotation make keys that sign; make others a DataKey (infra/constructs/data-key.ts).',
      }),
    ),
};

function problemsOf({ properties }: ResolvedResource): string[] {
  const {
    KeySpec = 'SYMMETRIC_DEFAULT',
    KeyUsage = 'ENCRYPT_DECRYPT',
    MultiRegion = false,
    Origin = 'AWS_KMS',
  } = properties;
  return [
    ...(KeySpec === 'SYMMETRIC_DEFAULT' && KeyUsage === 'ENCRYPT_DECRYPT'
      ? []
      : [`is for ${String(KeyUsage)} with ${String(KeySpec)}`]),
    ...(MultiRegion === false ? [] : ['can be copied to another region']),
    ...(Origin === 'AWS_KMS' ? [] : [`has key material from ${String(Origin)}`]),
  ];
}
