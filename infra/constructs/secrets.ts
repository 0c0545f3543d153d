import { SEED_RECORD } from '@helseid-zones/protocol/record';
import { RemovalPolicy } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { CfnSecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import { ownSecrets } from '../declaration/function-resources.ts';
import { recordName } from '../declaration/names.ts';
import type { ZoneDeclaration } from '../declaration/schema.ts';

/** The record of a client's keys: which there are and in which state, no key material. Outlives its stack. Returns its ARN. */
export function addRecord(scope: Construct, system: string, client: string, key: IKey): string {
  const record = new CfnSecret(scope, `Record-${client}`, {
    name: recordName(system, client),
    description: `Keys of client ${client}: ids and states, no key material.`,
    kmsKeyId: key.keyArn,
    // A constant: a value that changed with the declaration would overwrite what rotation has stored.
    secretString: SEED_RECORD,
  });
  // Losing it would lose which key is registered. Where its creation is rolled back it goes, so that a next try can make it.
  record.applyRemovalPolicy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE);
  return record.ref;
}

/** Secrets of a zone's functions, with their ARNs. */
export type MadeSecrets = ReturnType<typeof addSecrets>;

/**
 * Makes the secrets of a zone's functions, each with a random value that nobody knows, so that what is checked against it fails
 * until the operator has put the true one; and those of clients' keys without any, since a function makes the first one itself.
 * Kept when the stack or the declaration goes.
 */
export function addSecrets(
  scope: Construct,
  system: string,
  zone: string,
  declared: ZoneDeclaration,
  key: IKey,
) {
  return ownSecrets(system, zone, declared).map((own) => {
    const { kind, owner, secret: name } = own;
    const [id, description, value] =
      kind === 'secrets'
        ? ([
            'Secret',
            `Read by ${owner} of zone ${zone} alone. Its value is put by the operator.`,
            { generateSecretString: { passwordLength: 64, excludePunctuation: true } },
          ] as const)
        : ['ClientKeys', `Keys of client ${name}, which ${owner} of zone ${zone} alone makes and reads.`];
    const props = { name: own.name, description, kmsKeyId: key.keyArn, ...value };
    const secret = new CfnSecret(scope, `${id}-${owner}-${name}`, props);
    secret.applyRemovalPolicy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE);
    return { ...own, arn: secret.ref };
  });
}
