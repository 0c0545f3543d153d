import type { StoredKey } from './keys.ts';
import { KEY_SPECS } from './specs.ts';

/** A key's `KeyMetadata`, as `CreateKey` and `DescribeKey` answer it. */
export function describeKey(key: StoredKey): Record<string, unknown> {
  const algorithms = KEY_SPECS.get(key.spec)?.signingAlgorithms;
  return {
    AWSAccountId: key.arn.split(':')[4],
    KeyId: key.id,
    Arn: key.arn,
    CreationDate: key.created,
    Enabled: key.status === 'Enabled',
    Description: key.description,
    KeyUsage: key.usage,
    KeyState: key.status,
    ...(key.deletion === undefined ? {} : { DeletionDate: key.deletion }),
    Origin: 'AWS_KMS',
    KeyManager: 'CUSTOMER',
    KeySpec: key.spec,
    CustomerMasterKeySpec: key.spec,
    MultiRegion: false,
    ...(algorithms === undefined
      ? { EncryptionAlgorithms: ['SYMMETRIC_DEFAULT'] }
      : { SigningAlgorithms: algorithms }),
  };
}
