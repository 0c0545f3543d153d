import { AwsError } from '../errors.ts';
import type { StoredKey } from './keys.ts';

/** Throws as KMS does for a key whose state allows no cryptography: `DisabledException`, or `KMSInvalidStateException` where deletion is pending. */
export function requireEnabled(key: StoredKey): void {
  if (key.status === 'Disabled') throw new AwsError('DisabledException', `${key.arn} is disabled.`);
  requireNotDeleting(key);
}

/** Throws `KMSInvalidStateException` for a key whose deletion is pending. */
export function requireNotDeleting(key: StoredKey): void {
  if (key.status === 'PendingDeletion') {
    throw new AwsError('KMSInvalidStateException', `${key.arn} is pending deletion.`);
  }
}
