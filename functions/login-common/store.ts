import { randomUUID } from 'node:crypto';
import type { AwsCaller } from '@helseid-zones/client/aws';
import { isZonesError, ZonesError } from '@helseid-zones/protocol/errors';

/** An item of the session table, without what only its conditions need. */
export interface StoredItem {
  /** Sealed with a key that only the browser's cookie gives (secrets.ts). */
  data: string;
  /** Counts the changes of `data`, from 1. */
  version: number;
  /** Epoch seconds. The item does not count from then on, though TTL may remove it days later: compare on every read. */
  expires: number;
}

/**
 * What the login functions ask of the zone's session table. Every write is conditional where two requests could meet;
 * a condition that fails is an answer (`false`), not an error. Throws `aws_*` when the table can't be asked.
 */
export interface LoginStore {
  /** Adds an item with version 1; false when the key is taken. */
  add(pk: string, data: string, expires: number): Promise<boolean>;
  /** Reads what was last written (strongly consistent). Gives expired items too. */
  read(pk: string): Promise<StoredItem | undefined>;
  /** Removes an item and gives it; of several callers, one gets it. */
  take(pk: string): Promise<StoredItem | undefined>;
  /** Removes an item; tells whether there was one, perhaps wrongly not when an answer was lost. */
  remove(pk: string): Promise<boolean>;
  /** Puts new data in place of `version` and ends the lease; false when the item is gone or has changed, perhaps by this very call, whose answer was lost. Leaves `expires` alone. */
  replace(pk: string, version: number, data: string): Promise<boolean>;
  /** Moves the expiry of an item that has not expired by `now` (epoch seconds); false otherwise. */
  extend(pk: string, expires: number, now: number): Promise<boolean>;
  /** Takes the sole right to change `version` until `until`; false when it has changed or another's right lasts beyond `now` (both epoch milliseconds). */
  lease(pk: string, version: number, now: number, until: number): Promise<boolean>;
  /** Gives the right back early, if the version is still the same. */
  release(pk: string, version: number): Promise<void>;
  /** Adds a member to an index item, which then lives until `expires`; gives all members. Nothing when the item was closed for times after `since` (epoch seconds). */
  link(pk: string, member: string, since: number, expires: number): Promise<string[] | undefined>;
  /** Closes an index item, made where there is none, to members from before `at` (epoch seconds); gives those in it. It stays closed as far as the latest `at`. */
  close(pk: string, at: number, expires: number): Promise<string[]>;
  /** Removes members of an index item. */
  unlink(pk: string, members: readonly string[]): Promise<void>;
}

/** A value in DynamoDB's JSON. */
type Value = { S: string } | { N: string } | { SS: string[] };
type Item = Readonly<Record<string, Value>>;

const NAMES = {
  data: '#d',
  version: '#v',
  expires: '#e',
  lease: '#l',
  members: '#m',
  closed: '#c',
  write: '#w',
} as const;
type Name = keyof typeof NAMES;

/** `#x` names for the attributes an expression uses: several of ours are reserved words. */
function name(...used: Name[]): Record<string, string> {
  return Object.fromEntries(used.map((attribute) => [NAMES[attribute], attribute]));
}

const number = (value: number): Value => ({ N: String(value) });

/**
 * {@link LoginStore} on a DynamoDB table with the string key `pk` and the TTL attribute `expires`. The table's own
 * encryption and its backups are the infrastructure's; the values are sealed before they come here.
 */
export function createDynamoStore(aws: AwsCaller, table: string): LoginStore {
  // Whatever is repeated after a lost answer does no harm, or knows itself again. Often it is the first call after a pause.
  const send = (operation: string, pk: string, input: object) =>
    aws.json({
      service: 'dynamodb',
      target: `DynamoDB_20120810.${operation}`,
      input: { TableName: table, ...(operation === 'PutItem' ? {} : { Key: { pk: { S: pk } } }), ...input },
      repeatable: true,
    });

  /** The answer to a conditional write; nothing where its condition fails. */
  async function answerWhen(operation: string, pk: string, input: object) {
    try {
      return await send(operation, pk, input);
    } catch (error) {
      if (isZonesError(error, 'aws_refused') && error.facts['error'] === 'ConditionalCheckFailedException')
        return undefined;
      throw error;
    }
  }

  /** Whether a conditional write was done. Repeated after a lost answer it may meet itself. */
  async function when(operation: string, pk: string, input: object): Promise<boolean> {
    return (await answerWhen(operation, pk, input)) !== undefined;
  }

  return {
    // The write's own id tells a repeated one that it meets itself.
    add: (pk, data, expires) => {
      const own = { S: randomUUID() };
      return when('PutItem', pk, {
        Item: {
          pk: { S: pk },
          data: { S: data },
          version: number(1),
          expires: number(expires),
          write: own,
        },
        ConditionExpression: 'attribute_not_exists(pk) OR #w = :own',
        ExpressionAttributeNames: name('write'),
        ExpressionAttributeValues: { ':own': own },
      });
    },

    read: async (pk) => readStored(await send('GetItem', pk, { ConsistentRead: true }), 'Item'),

    // Where the first try took the item and its answer got lost, nobody gets it.
    take: async (pk) => readStored(await send('DeleteItem', pk, { ReturnValues: 'ALL_OLD' }), 'Attributes'),

    remove: async (pk) =>
      readItem(await send('DeleteItem', pk, { ReturnValues: 'ALL_OLD' }), 'Attributes') !== undefined,

    // What is lost here may be a rotated refresh token: so it is tried again, and `false` makes the caller look.
    replace: (pk, version, data) =>
      when('UpdateItem', pk, {
        UpdateExpression: 'SET #d = :d, #v = :next REMOVE #l',
        ConditionExpression: '#v = :v',
        ExpressionAttributeNames: name('data', 'version', 'lease'),
        ExpressionAttributeValues: {
          ':d': { S: data },
          ':v': number(version),
          ':next': number(version + 1),
        },
      }),

    extend: (pk, expires, now) =>
      when('UpdateItem', pk, {
        UpdateExpression: 'SET #e = :e',
        ConditionExpression: '#e > :now',
        ExpressionAttributeNames: name('expires'),
        ExpressionAttributeValues: { ':e': number(expires), ':now': number(now) },
      }),

    // With an id of its own for the same reason as `add`.
    lease: (pk, version, now, until) => {
      const own = { S: randomUUID() };
      return when('UpdateItem', pk, {
        UpdateExpression: 'SET #l = :until, #w = :own',
        ConditionExpression: '#v = :v AND (attribute_not_exists(#l) OR #l < :now OR #w = :own)',
        ExpressionAttributeNames: name('version', 'lease', 'write'),
        ExpressionAttributeValues: {
          ':v': number(version),
          ':now': number(now),
          ':until': number(until),
          ':own': own,
        },
      });
    },

    release: async (pk, version) => {
      await when('UpdateItem', pk, {
        UpdateExpression: 'REMOVE #l',
        ConditionExpression: '#v = :v',
        ExpressionAttributeNames: name('version', 'lease'),
        ExpressionAttributeValues: { ':v': number(version) },
      });
    },

    // Repeated after a lost answer it adds the same member. One that a logout met in between is refused, as it should be.
    link: async (pk, member, since, expires) => {
      const answer = await answerWhen('UpdateItem', pk, {
        UpdateExpression: 'SET #e = :e ADD #m :m',
        ConditionExpression: 'attribute_not_exists(#c) OR #c <= :since',
        ExpressionAttributeNames: name('expires', 'members', 'closed'),
        ExpressionAttributeValues: {
          ':e': number(expires),
          ':m': { SS: [member] },
          ':since': number(since),
        },
        ReturnValues: 'ALL_NEW',
      });
      return answer === undefined ? undefined : readMembers(answer, 'Attributes');
    },

    close: async (pk, at, expires) => {
      const answer = await answerWhen('UpdateItem', pk, {
        UpdateExpression: 'SET #e = :e, #c = :at',
        ConditionExpression: 'attribute_not_exists(#c) OR #c <= :at',
        ExpressionAttributeNames: name('expires', 'closed'),
        ExpressionAttributeValues: { ':e': number(expires), ':at': number(at) },
        ReturnValues: 'ALL_NEW',
      });
      if (answer !== undefined) return readMembers(answer, 'Attributes');
      // A later logout closed it further.
      return readMembers(await send('GetItem', pk, { ConsistentRead: true }), 'Item');
    },

    unlink: async (pk, members) => {
      if (members.length === 0) return;
      await when('UpdateItem', pk, {
        UpdateExpression: 'DELETE #m :m',
        ConditionExpression: 'attribute_exists(pk)',
        ExpressionAttributeNames: name('members'),
        ExpressionAttributeValues: { ':m': { SS: [...members] } },
      });
    },
  };
}

function readItem(answer: unknown, member: 'Item' | 'Attributes'): Item | undefined {
  return (answer as Partial<Record<typeof member, Item>>)[member];
}

function readStored(answer: unknown, member: 'Item' | 'Attributes'): StoredItem | undefined {
  const item = readItem(answer, member);
  if (!item) return undefined;
  const { data, version, expires } = item;
  if (data && version && expires && 'S' in data && 'N' in version && 'N' in expires)
    return { data: data.S, version: Number(version.N), expires: Number(expires.N) };
  throw new ZonesError('session_invalid', 'An item of the session table has not the shape we write.');
}

function readMembers(answer: unknown, member: 'Item' | 'Attributes'): string[] {
  const members = readItem(answer, member)?.['members'];
  return members && 'SS' in members ? members.SS : [];
}
