import { RemovalPolicy } from 'aws-cdk-lib';
import { AttributeType, BillingMode, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';
import type { OwnTableDeclaration } from '../declaration/function-resources.ts';

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
