import type { JsonService } from '../call.ts';
import { rotateOperation } from './rotate.ts';
import type { Rotations } from './rotation.ts';
import { type SecretDeps, valueOperations } from './values.ts';
import { versionOperations } from './versions.ts';

/** The local Secrets Manager: versions and stages by AWS's rules, for the secrets that the template declares. */
export function createSecretsManager(deps: SecretDeps, rotations: Rotations): JsonService {
  return {
    name: 'secretsmanager',
    target: 'secretsmanager',
    version: '1.1',
    operations: {
      ...valueOperations(deps),
      ...versionOperations(deps.secrets),
      RotateSecret: rotateOperation(deps.secrets, rotations, deps.authorize),
    },
  };
}
