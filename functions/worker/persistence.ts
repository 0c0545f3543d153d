import { randomUUID } from 'node:crypto';
import {
  IdempotencyItemAlreadyExistsError,
  IdempotencyItemNotFoundError,
} from '@aws-lambda-powertools/idempotency';
import { BasePersistenceLayer, IdempotencyRecord } from '@aws-lambda-powertools/idempotency/persistence';
import type { AwsCaller } from '@helseid-zones/client/aws';
import { isZonesError } from '@helseid-zones/protocol/errors';

/** A DynamoDB item in its JSON form. */
type Item = Readonly<Record<string, { S?: string; N?: string }>>;

const NAMES = {
  '#id': 'pk',
  '#expires': 'expires',
  '#status': 'status',
  '#until': 'inProgressUntil',
  '#write': 'write',
};

/** The key is free, or its record has passed, or whoever worked on it is gone, or this very write made it and its answer got lost. */
const FREE = [
  'attribute_not_exists(#id)',
  '#expires < :now',
  '(#status = :working AND attribute_exists(#until) AND #until < :nowMs)',
  '#write = :own',
].join(' OR ');

/**
 * Powertools' idempotency on a DynamoDB table, through our own caller of AWS: the layer that comes with Powertools brings the
 * SDK's client along, ten times the size of this function. Does not store what a function returned beyond its status.
 */
export class TablePersistence extends BasePersistenceLayer {
  readonly #aws: AwsCaller;
  readonly #table: string;

  constructor(aws: AwsCaller, table: string) {
    super();
    this.#aws = aws;
    this.#table = table;
  }

  protected async _getRecord(key: string): Promise<IdempotencyRecord> {
    const { Item } = await this.#send('GetItem', { Key: keyOf(key), ConsistentRead: true });
    if (!Item) throw new IdempotencyItemNotFoundError();
    return readItem(Item);
  }

  protected async _putRecord(record: IdempotencyRecord): Promise<void> {
    const now = Date.now();
    try {
      // The write's own id tells a repeated one that it meets itself.
      const own = { S: randomUUID() };
      await this.#send('PutItem', {
        Item: { ...writeItem(record), write: own },
        ConditionExpression: FREE,
        ExpressionAttributeNames: NAMES,
        ExpressionAttributeValues: {
          ':now': { N: String(Math.floor(now / 1000)) },
          ':nowMs': { N: String(now) },
          ':working': { S: 'INPROGRESS' },
          ':own': own,
        },
      });
    } catch (error) {
      if (isZonesError(error, 'aws_refused') && error.facts['error'] === 'ConditionalCheckFailedException')
        throw new IdempotencyItemAlreadyExistsError(undefined, undefined, { cause: error });
      throw error;
    }
  }

  protected async _updateRecord(record: IdempotencyRecord): Promise<void> {
    await this.#send('PutItem', { Item: writeItem(record) });
  }

  protected async _deleteRecord(record: IdempotencyRecord): Promise<void> {
    await this.#send('DeleteItem', { Key: keyOf(record.idempotencyKey) });
  }

  async #send(operation: string, input: object): Promise<{ Item?: Item }> {
    const answer = await this.#aws.json({
      service: 'dynamodb',
      target: `DynamoDB_20120810.${operation}`,
      input: { TableName: this.#table, ...input },
      repeatable: true,
    });
    return answer as { Item?: Item };
  }
}

function keyOf(key: string): Item {
  return { pk: { S: key } };
}

function writeItem(record: IdempotencyRecord): Item {
  const { inProgressExpiryTimestamp: until, responseData, payloadHash } = record;
  return {
    ...keyOf(record.idempotencyKey),
    status: { S: record.getStatus() },
    expires: { N: String(record.expiryTimestamp) },
    ...(until === undefined ? {} : { inProgressUntil: { N: String(until) } }),
    ...(responseData === undefined ? {} : { data: { S: JSON.stringify(responseData) } }),
    ...(payloadHash === undefined ? {} : { payload: { S: payloadHash } }),
  };
}

function readItem(item: Item): IdempotencyRecord {
  const { pk, status, expires, inProgressUntil, data, payload } = item;
  return new IdempotencyRecord({
    idempotencyKey: pk?.S ?? '',
    status: status?.S === 'COMPLETED' ? 'COMPLETED' : 'INPROGRESS',
    expiryTimestamp: Number(expires?.N),
    ...(inProgressUntil?.N ? { inProgressExpiryTimestamp: Number(inProgressUntil.N) } : {}),
    ...(data?.S ? { responseData: JSON.parse(data.S) } : {}),
    ...(payload?.S ? { payloadHash: payload.S } : {}),
  });
}
