import { RemovalPolicy } from 'aws-cdk-lib';
import { AttributeType, BillingMode, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';
import { AUTHORIZER_FUNCTION, LOGIN_FUNCTIONS } from '../declaration/names.ts';
import type { ZoneDeclaration } from '../declaration/types.ts';

/** A table of a zone and which functions get it. */
export interface TableUse {
  /** Last part of its name, and which variable carries the name. */
  kind: 'idempotency' | 'sessions' | 'replays';
  variable: 'IDEMPOTENCY_TABLE' | 'SESSION_TABLE' | 'REPLAY_TABLE';
  functions: readonly string[];
}

/** The tables a zone has, by what enters it. */
export function zoneTables(zone: ZoneDeclaration): TableUse[] {
  const uses: TableUse[] = [];
  if (zone.events)
    uses.push({ kind: 'idempotency', variable: 'IDEMPOTENCY_TABLE', functions: [zone.events.function] });
  if (zone.gateway?.login)
    uses.push({ kind: 'sessions', variable: 'SESSION_TABLE', functions: LOGIN_FUNCTIONS });
  if (zone.gateway?.routes.some((route) => route.authorize === 'helseid'))
    uses.push({ kind: 'replays', variable: 'REPLAY_TABLE', functions: [AUTHORIZER_FUNCTION] });
  return uses;
}

/** Physical name of a zone's table. */
export function tableName(system: string, zone: string, kind: TableUse['kind']): string {
  return `${system}-${zone}-${kind}`;
}

/**
 * A table of things that pass: key `pk`, and `expires` (epoch seconds) after which DynamoDB drops an item. Deleted with its
 * stack and without point-in-time recovery: what it holds is worth nothing a day later.
 */
export function createTable(scope: Construct, name: string, kind: TableUse['kind'], key: IKey): void {
  new Table(scope, `Table-${kind}`, {
    tableName: name,
    partitionKey: { name: 'pk', type: AttributeType.STRING },
    timeToLiveAttribute: 'expires',
    billingMode: BillingMode.PAY_PER_REQUEST,
    encryption: TableEncryption.CUSTOMER_MANAGED,
    encryptionKey: key,
    removalPolicy: RemovalPolicy.DESTROY,
  });
}
