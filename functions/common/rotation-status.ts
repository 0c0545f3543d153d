import { unlessRefused } from './aws-error.ts';
import type { SecretsPort } from './key-ports.ts';

/** Has Secrets Manager begin a rotation; false where one is under way, which is attempted again by that very refusal. */
export async function beginRotation(secrets: SecretsPort, SecretId: string): Promise<boolean> {
  return (await unlessRefused(secrets.rotateSecret({ SecretId }), 'InvalidRequestException')) !== undefined;
}

/** Whether a rotation of a secret is under way, as `DescribeSecret` tells: a version is AWSPENDING and not current. */
export function isPending(secret: Awaited<ReturnType<SecretsPort['describeSecret']>>): boolean {
  return Object.values(secret.VersionIdsToStages ?? {}).some(
    (stages) => stages.includes('AWSPENDING') && !stages.includes('AWSCURRENT'),
  );
}
