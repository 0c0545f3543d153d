import { SESSION_TABLE_ACTIONS } from '@helseid-zones/protocol/login-routes';
import { RemovalPolicy } from 'aws-cdk-lib';
import { AttributeType, BillingMode, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';
import { AUTHORIZER_FUNCTION } from '../declaration/fields.ts';
import type { ZoneDeclaration } from '../declaration/schema.ts';

/** A table of a zone, and what which functions do with it. */
export interface TableUse {
  /** Last part of its name. */
  kind: 'idempotency' | 'sessions' | 'replays';
  /** Which variable carries the name. */
  variable: 'IDEMPOTENCY_TABLE' | 'SESSION_TABLE' | 'REPLAY_TABLE';
  /** Function to its DynamoDB actions. */
  actions: Readonly<Record<string, readonly string[]>>;
}

/** The tables a zone has, by what enters it. */
export function zoneTables(zone: ZoneDeclaration): TableUse[] {
  const uses: TableUse[] = [];
  if (zone.events)
    uses.push({
      kind: 'idempotency',
      variable: 'IDEMPOTENCY_TABLE',
      actions: { [zone.events.function]: ['dynamodb:DeleteItem', 'dynamodb:GetItem', 'dynamodb:PutItem'] },
    });
  if (zone.gateway?.login)
    uses.push({ kind: 'sessions', variable: 'SESSION_TABLE', actions: SESSION_TABLE_ACTIONS });
  if (zone.gateway?.routes.some((route) => route.authorize === 'helseid'))
    uses.push({
      kind: 'replays',
      variable: 'REPLAY_TABLE',
      actions: { [AUTHORIZER_FUNCTION]: ['dynamodb:PutItem'] },
    });
  return uses;
}

/** A table that one function uses. */
export interface OwnTable {
  name: string;
  variable: TableUse['variable'];
  actions: readonly string[];
}

/** The tables that one function of a zone uses. */
export function tablesOf(
  system: string,
  zone: string,
  declared: ZoneDeclaration,
  functionName: string,
): OwnTable[] {
  return zoneTables(declared).flatMap(({ kind, variable, actions }) =>
    Object.entries(actions)
      .filter(([name]) => name === functionName)
      .map(([, own]) => ({ name: tableName(system, zone, kind), variable, actions: own })),
  );
}

/** Physical name of a zone's table. */
export function tableName(system: string, zone: string, kind: TableUse['kind']): string {
  return `${system}-${zone}-${kind}`;
}

/** A table's physical name, and the key of its zone. */
export interface ZoneTableProps {
  tableName: string;
  key: IKey;
}

/**
 * A table of things that pass: key `pk`, and `expires` (epoch seconds) after which DynamoDB drops an item. Deleted with its
 * stack and without point-in-time recovery: what it holds is worth nothing a day later.
 */
export class ZoneTable extends Table {
  constructor(scope: Construct, id: string, { tableName, key }: ZoneTableProps) {
    super(scope, id, {
      tableName,
      partitionKey: { name: 'pk', type: AttributeType.STRING },
      timeToLiveAttribute: 'expires',
      billingMode: BillingMode.PAY_PER_REQUEST,
      encryption: TableEncryption.CUSTOMER_MANAGED,
      encryptionKey: key,
      removalPolicy: RemovalPolicy.DESTROY,
    });
  }
}
