import type { JsonService } from '../call.ts';
import type { RateLimit } from '../rate-limit.ts';
import { createKeyOperation, type KeyPlace } from './create-key.ts';
import type { KeyStore } from './keys.ts';
import { lifecycleOperations } from './lifecycle.ts';
import { policyOperations } from './policy.ts';
import { signOperations } from './sign.ts';

/** The local KMS: real keys, KMS's checks and errors, and nothing that the project does not call. */
export function createKms(keys: KeyStore, place: KeyPlace, withinQuota: RateLimit): JsonService {
  return {
    name: 'kms',
    target: 'TrentService',
    version: '1.1',
    operations: {
      ...signOperations(keys, withinQuota),
      CreateKey: createKeyOperation(keys, place),
      ...policyOperations(keys),
      ...lifecycleOperations(keys, place.now),
    },
  };
}
