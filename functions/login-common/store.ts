import { randomUUID } from 'node:crypto';
import { ZonesError } from '@helseid-zones/protocol/errors';
import type { DynamoTable, Item } from '../common/dynamo.ts';

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
 * a condition that fails is an answer (`false`), not an error.
 *
 * Each throws `aws_*` when the table can't be asked.
 */
export interface LoginStore {
  /** Adds an item with version 1; false when the key is taken. */
  add(pk: string, data: string, expires: number): Promise<boolean>;
  /** Reads what was last written (strongly consistent). Gives expired items too. */
  read(pk: string): Promise<StoredItem | undefined>;
  /** Removes an item and gives it; of several callers, one gets it, or none where an answer was lost. */
  take(pk: string): Promise<StoredItem | undefined>;
  /** Puts new data in place of `version` and ends the lease; false when the item is gone or has changed, perhaps by this very call, whose answer was lost. Leaves `expires` alone. */
  replace(pk: string, version: number, data: string): Promise<boolean>;
  /** Moves the expiry of an item that has not expired by `now` (epoch seconds); false otherwise. */
  extend(pk: string, expires: number, now: number): Promise<boolean>;
  /** Takes the sole right to change `version` until `until`; false when it has changed or another's right lasts beyond `now` (both epoch milliseconds). */
  lease(pk: string, version: number, now: number, until: number): Promise<boolean>;
  /** Gives the right back early, if the version is still the same. */
  release(pk: string, version: number): Promise<void>;
  /** Adds a member to an index item, which then lives until `expires`; gives all members. Nothing when the item was closed for times after `since` (epoch seconds). */
  link(pk: string, member: string, since: number, expires: number): Promise<readonly string[] | undefined>;
  /** Closes an index item, made where there is none, to members from before `at` (epoch seconds); gives those in it. It stays closed as far as the latest `at`. */
  close(pk: string, at: number, expires: number): Promise<readonly string[]>;
  /** Removes members of an index item. */
  unlink(pk: string, members: readonly string[]): Promise<void>;
}

/**
 * {@link LoginStore} on a DynamoDB table with the TTL attribute `expires`. The table's own encryption and its backups are the
 * infrastructure's; the values are sealed before they come here. What is repeated after a lost answer does no harm, or knows
 * itself again by an id of the write's own.
 */
export function createDynamoStore(table: DynamoTable): LoginStore {
  return {
    add: (pk, data, expires) =>
      table.put(pk, { data, version: 1, expires }, { when: 'attribute_not_exists(#pk)' }),

    read: async (pk) => readStored(await table.get(pk)),

    // Where the first try took the item and its answer got lost, nobody gets it.
    take: async (pk) => readStored(await table.delete(pk)),

    // What is lost here may be a rotated refresh token: so it is tried again, and `false` makes the caller look.
    replace: async (pk, version, data) => {
      const values = { data, version, next: version + 1 };
      const expression = 'SET #data = :data, #version = :next REMOVE #lease';
      return (await table.update(pk, expression, { when: '#version = :version', values })) !== undefined;
    },

    extend: async (pk, expires, now) => {
      const condition = { when: '#expires > :now', values: { expires, now } };
      return (await table.update(pk, 'SET #expires = :expires', condition)) !== undefined;
    },

    lease: async (pk, version, now, until) => {
      const free = 'attribute_not_exists(#lease) OR #lease < :now OR #write = :write';
      const condition = {
        when: `#version = :version AND (${free})`,
        values: { version, now, until, write: randomUUID() },
      };
      return (await table.update(pk, 'SET #lease = :until, #write = :write', condition)) !== undefined;
    },

    release: async (pk, version) => {
      await table.update(pk, 'REMOVE #lease', { when: '#version = :version', values: { version } });
    },

    // Repeated after a lost answer it adds the same member. One that a logout met in between is refused, as it should be.
    link: async (pk, member, since, expires) => {
      const linked = await table.update(pk, 'SET #expires = :expires ADD #members :members', {
        when: 'attribute_not_exists(#closed) OR #closed <= :since',
        values: { expires, members: [member], since },
      });
      return linked && readMembers(linked);
    },

    close: async (pk, at, expires) => {
      const closed = await table.update(pk, 'SET #expires = :expires, #closed = :at', {
        when: 'attribute_not_exists(#closed) OR #closed <= :at',
        values: { expires, at },
      });
      // A later logout closed it further.
      return readMembers(closed ?? (await table.get(pk)));
    },

    unlink: async (pk, members) => {
      if (members.length === 0) return;
      const condition = { when: 'attribute_exists(#pk)', values: { members } };
      await table.update(pk, 'DELETE #members :members', condition);
    },
  };
}

function readStored(item: Item | undefined): StoredItem | undefined {
  if (!item) return undefined;
  const { data, version, expires } = item;
  if (typeof data === 'string' && typeof version === 'number' && typeof expires === 'number')
    return { data, version, expires };
  throw new ZonesError('session_invalid', 'An item of the session table has not the shape we write.');
}

function readMembers(item: Item | undefined): readonly string[] {
  const members = item?.['members'];
  return Array.isArray(members) ? members : [];
}
