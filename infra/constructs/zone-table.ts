import { SESSION_TABLE_ACTIONS } from '@helseid-zones/protocol/login-routes';
import { RemovalPolicy } from 'aws-cdk-lib';
import { AttributeType, BillingMode, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';
import { AUTHORIZER_FUNCTION, TOKENS_FUNCTION } from '../declaration/fields.ts';
import { type OwnTableDeclaration, ownTables, ZONE_TABLES } from '../declaration/function-resources.ts';
import type { ZoneDeclaration } from '../declaration/schema.ts';

/** A table of a zone, and what which functions do with it. */
export interface TableUse {
  /** Physical name. */
  name: string;
  /** Id of its construct. */
  id: string;
  /** Which variable carries the name. */
  variable: string;
  /** Function to its DynamoDB actions. */
  actions: Readonly<Record<string, readonly string[]>>;
  /** Of a table that a function has: its keys, or `cdk` where constructs of one's own make it. */
  declared?: OwnTableDeclaration | 'cdk';
}

const dynamo = (action: string) => `dynamodb:${action}`;

/** What a function does with a table that it may read. */
const READ = ['BatchGetItem', 'DescribeTable', 'GetItem', 'Query', 'Scan'].map(dynamo);

/** What a function does with a table that it has. */
const ALL = [
  ...READ,
  ...['BatchWriteItem', 'ConditionCheckItem', 'DeleteItem', 'PutItem', 'UpdateItem'].map(dynamo),
].sort();

/** The tables a zone has: by what enters it, and those of its functions. */
export function zoneTables(system: string, zone: string, declared: ZoneDeclaration): TableUse[] {
  const { events, gateway, tokens } = declared;
  const shipped = (kind: keyof typeof ZONE_TABLES, actions: TableUse['actions'] | false | undefined) => {
    const variable = ZONE_TABLES[kind];
    return actions ? [{ name: `${system}-${zone}-${kind}`, id: `Table-${kind}`, variable, actions }] : [];
  };
  const worked = events && { [events.function]: ['DeleteItem', 'GetItem', 'PutItem'].map(dynamo) };
  const isValidated = gateway?.routes.some((route) => route.authorize === 'helseid');
  const fetched = { [TOKENS_FUNCTION]: ['GetItem', 'UpdateItem'].map(dynamo) };
  return [
    ...shipped('idempotency', worked),
    ...shipped('sessions', gateway?.login && SESSION_TABLE_ACTIONS),
    ...shipped('replays', isValidated && { [AUTHORIZER_FUNCTION]: [dynamo('PutItem')] }),
    ...shipped('tokens', tokens === 'function' && fetched),
    ...ownTables(system, zone, declared).map(({ name, owner, table, variable, users, declared }) => ({
      name,
      id: `Table-${owner}-${table}`,
      variable,
      declared,
      actions: Object.fromEntries([...users].map(([user, access]) => [user, access === 'read' ? READ : ALL])),
    })),
  ];
}

/** A table's physical name, and the key of its zone. */
export interface ZoneTableProps {
  tableName: string;
  key: IKey;
  /** Keys of a table that a function has. */
  declared?: OwnTableDeclaration | undefined;
}

/**
 * A table of things that pass: key `pk`, and `expires` (epoch seconds) after which DynamoDB drops an item. Deleted with its
 * stack and without point-in-time recovery: what it holds is worth nothing a day later. One that a function has has the declared
 * keys; it is kept when the stack or the declaration goes, and can be restored to any second of the last 35 days.
 */
export class ZoneTable extends Table {
  constructor(scope: Construct, id: string, { tableName, key, declared }: ZoneTableProps) {
    const { partitionKey = { name: 'pk', type: 'S' as const }, sortKey } = declared ?? {};
    const ttl = declared ? declared.ttl : 'expires';
    super(scope, id, {
      tableName,
      partitionKey: attribute(partitionKey),
      ...(sortKey ? { sortKey: attribute(sortKey) } : {}),
      ...(ttl ? { timeToLiveAttribute: ttl } : {}),
      ...(declared ? { pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true } } : {}),
      billingMode: BillingMode.PAY_PER_REQUEST,
      encryption: TableEncryption.CUSTOMER_MANAGED,
      encryptionKey: key,
      removalPolicy: declared ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY,
    });
  }
}

const TYPES = { S: AttributeType.STRING, N: AttributeType.NUMBER, B: AttributeType.BINARY };

const attribute = ({ name, type }: OwnTableDeclaration['partitionKey']) => ({ name, type: TYPES[type] });
