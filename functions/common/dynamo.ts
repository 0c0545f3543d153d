import { randomUUID } from 'node:crypto';
import type { AwsCaller } from '@helseid-zones/client/aws';
import { isZonesError } from '@helseid-zones/protocol/errors';

/** An item without its key: strings, numbers and sets of strings. What is undefined is left out. */
export type Item = Readonly<Record<string, string | number | readonly string[] | undefined>>;

/** When a write is done. In expressions `#name` is the attribute of that name, reserved word or not, and `:name` a value. */
interface Condition {
  /** ConditionExpression. */
  when: string;
  /** Values of all expressions, by name. */
  values?: Item;
}

/** See {@link createDynamoTable}. */
export type DynamoTable = ReturnType<typeof createDynamoTable>;

/** A value in DynamoDB's JSON. */
interface Attribute {
  S?: string;
  N?: string;
  SS?: readonly string[];
}
type Attributes = Readonly<Record<string, Attribute>>;

/**
 * A table with the string key `pk`, through our own caller of AWS: the SDK's client is ten times the size of a function that
 * needs four calls. What it makes throws:
 *
 * @throws {ZonesError} aws_refused, aws_throttled, aws_unavailable: never for a condition that fails
 */
export function createDynamoTable(aws: AwsCaller, table: string) {
  async function send(operation: string, input: object, expressions: object = {}, values: Item = {}) {
    const names = Object.values(expressions).join(' ').match(/#\w+/g);
    const request = {
      TableName: table,
      ...input,
      ...expressions,
      ...(names && {
        ExpressionAttributeNames: Object.fromEntries(names.map((name) => [name, name.slice(1)])),
      }),
      ...(Object.keys(values).length > 0 && { ExpressionAttributeValues: encode(values, ':') }),
    };
    const target = `DynamoDB_20120810.${operation}`;
    try {
      const answer = await aws.json({ service: 'dynamodb', target, input: request, repeatable: true });
      return answer as { Item?: Attributes; Attributes?: Attributes };
    } catch (error) {
      if (isZonesError(error, 'aws_refused') && error.facts['error'] === 'ConditionalCheckFailedException')
        return undefined;
      throw error;
    }
  }

  return {
    /** Reads what was last written (strongly consistent); expired items too. */
    async get(pk: string): Promise<Item | undefined> {
      return decode((await send('GetItem', { Key: encode({ pk }), ConsistentRead: true }))?.Item);
    },
    /**
     * Puts a whole item; false where the condition fails. A conditional put has an id of its own (attribute `write`), by which
     * one that is repeated after a lost answer knows itself again.
     */
    async put(pk: string, item: Item, condition?: Condition): Promise<boolean> {
      if (!condition) return (await send('PutItem', { Item: encode({ ...item, pk }) })) !== undefined;
      const write = randomUUID();
      const ConditionExpression = `(${condition.when}) OR #write = :write`;
      const Item = encode({ ...item, pk, write });
      const values = { ...condition.values, write };
      return (await send('PutItem', { Item }, { ConditionExpression }, values)) !== undefined;
    },
    /** Applies an UpdateExpression. Resolves to the item as it then is; nothing where the condition fails, perhaps on this very call, whose answer was lost. */
    async update(pk: string, UpdateExpression: string, condition: Condition): Promise<Item | undefined> {
      const { when: ConditionExpression, values } = condition;
      const input = { Key: encode({ pk }), ReturnValues: 'ALL_NEW' };
      const answer = await send('UpdateItem', input, { UpdateExpression, ConditionExpression }, values);
      return decode(answer?.Attributes);
    },
    /** Removes an item. Resolves to what it was; nothing where there was none, or the answer that had it was lost. */
    async delete(pk: string): Promise<Item | undefined> {
      return decode((await send('DeleteItem', { Key: encode({ pk }), ReturnValues: 'ALL_OLD' }))?.Attributes);
    },
  };
}

function encode(item: Item, prefix = ''): Attributes {
  const attributes: Record<string, Attribute> = {};
  for (const [name, value] of Object.entries(item)) {
    if (typeof value === 'string') attributes[prefix + name] = { S: value };
    else if (typeof value === 'number') attributes[prefix + name] = { N: String(value) };
    else if (value) attributes[prefix + name] = { SS: value };
  }
  return attributes;
}

/** An attribute of a type that we never write is left out. */
function decode(item: Attributes | undefined): Item | undefined {
  return (
    item &&
    Object.fromEntries(
      Object.entries(item).map(([name, { S, N, SS }]) => [name, S ?? SS ?? (N && Number(N))]),
    )
  );
}
