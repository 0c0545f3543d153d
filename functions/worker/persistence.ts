import {
  IdempotencyItemAlreadyExistsError,
  IdempotencyItemNotFoundError,
} from '@aws-lambda-powertools/idempotency';
import { BasePersistenceLayer, IdempotencyRecord } from '@aws-lambda-powertools/idempotency/persistence';
import type { DynamoTable, Item } from '../common/dynamo.ts';

/** The key is free, or its record has passed, or whoever worked on it is gone. */
const FREE =
  'attribute_not_exists(pk) OR #expires < :now OR (#status = :working AND attribute_exists(#inProgressUntil) AND #inProgressUntil < :nowMs)';

/**
 * Powertools' idempotency on a DynamoDB table, through our own caller of AWS: the layer that comes with Powertools brings the
 * SDK's client along, ten times the size of this function. Does not store what a function returned beyond its status.
 */
export class TablePersistence extends BasePersistenceLayer {
  readonly #table: DynamoTable;

  constructor(table: DynamoTable) {
    super();
    this.#table = table;
  }

  protected async _getRecord(key: string): Promise<IdempotencyRecord> {
    const item = await this.#table.get(key);
    if (!item) throw new IdempotencyItemNotFoundError();
    const { status, expires, inProgressUntil, data, payload } = item;
    return new IdempotencyRecord({
      idempotencyKey: key,
      status: status === 'COMPLETED' ? 'COMPLETED' : 'INPROGRESS',
      expiryTimestamp: Number(expires),
      ...(inProgressUntil ? { inProgressExpiryTimestamp: Number(inProgressUntil) } : {}),
      ...(data ? { responseData: JSON.parse(String(data)) } : {}),
      ...(payload ? { payloadHash: String(payload) } : {}),
    });
  }

  protected async _putRecord(record: IdempotencyRecord): Promise<void> {
    const now = Date.now();
    const values = { now: Math.floor(now / 1000), nowMs: now, working: 'INPROGRESS' };
    if (!(await this.#table.put(record.idempotencyKey, writeItem(record), { when: FREE, values })))
      throw new IdempotencyItemAlreadyExistsError();
  }

  protected async _updateRecord(record: IdempotencyRecord): Promise<void> {
    await this.#table.put(record.idempotencyKey, writeItem(record));
  }

  protected async _deleteRecord(record: IdempotencyRecord): Promise<void> {
    await this.#table.delete(record.idempotencyKey);
  }
}

function writeItem(record: IdempotencyRecord): Item {
  const { expiryTimestamp, inProgressExpiryTimestamp, responseData, payloadHash } = record;
  return {
    status: record.getStatus(),
    expires: expiryTimestamp,
    inProgressUntil: inProgressExpiryTimestamp,
    data: responseData === undefined ? undefined : JSON.stringify(responseData),
    payload: payloadHash,
  };
}
