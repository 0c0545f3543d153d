import { SEED_RECORD } from '@helseid-zones/protocol/record';
import { RemovalPolicy } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { CfnSecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import { recordName } from '../declaration/names.ts';

/** Whose record it is. */
export interface ClientRecordProps {
  system: string;
  /** The client's name in the declaration. */
  client: string;
  key: IKey;
}

/** The record of a client's keys: which there are and in which state, no key material. Outlives its stack. */
export class ClientRecord extends CfnSecret {
  constructor(scope: Construct, id: string, { system, client, key }: ClientRecordProps) {
    super(scope, id, {
      name: recordName(system, client),
      description: `Keys of client ${client}: ids and states, no key material.`,
      kmsKeyId: key.keyArn,
      // A constant: a value that changed with the declaration would overwrite what rotation has stored.
      secretString: SEED_RECORD,
    });
    // Losing it would lose which key is registered. Where its creation is rolled back it goes, so that a next try can make it.
    this.applyRemovalPolicy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE);
  }
}
