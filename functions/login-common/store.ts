import { randomUUID } from 'node:crypto';
import { ZonesError } from '@helseid-zones/protocol/errors';
import type { DynamoTable, Item } from '../common/dynamo.ts';

/** See {@link createDynamoStore}. */
export type LoginStore = ReturnType<typeof createDynamoStore>;

/**
 * What the login functions ask of the zone's session table, on DynamoDB with the TTL attribute `expires`. The table's own
 * encryption and its backups are the infrastructure's; the values are sealed before they come here. Every write is conditional
 * where two requests could meet; a condition that fails is an answer (`false`), not an error. What is repeated after a lost
 * answer does no harm, or knows itself again by an id of the write's own. Each function throws:
 *
 * @throws {ZonesError} aws_*: the table can't be asked
 */
export function createDynamoStore(table: DynamoTable) {
  const update = async (...args: Parameters<DynamoTable['update']>): Promise<boolean> =>
    (await table.update(...args)) !== undefined;
  return {
    /** Adds an item with version 1; false when the key is taken. */
    add: (pk: string, data: string, expires: number): Promise<boolean> =>
      table.put(pk, { data, version: 1, expires }, { when: 'attribute_not_exists(#pk)' }),

    /** Reads what was last written (strongly consistent). Gives expired items too. */
    read: async (pk: string) => readStored(await table.get(pk)),

    /** Removes an item and gives it; of several callers, one gets it, or none where the first try's answer got lost. */
    take: async (pk: string) => readStored(await table.delete(pk)),

    /**
     * Puts new data in place of `version` and ends the lease; false when the item is gone or has changed, perhaps by this very
     * call, whose answer was lost: what is lost here may be a rotated refresh token, so it is tried again, and `false` makes the
     * caller look. Leaves `expires` alone.
     */
    replace: (pk: string, version: number, data: string) =>
      update(pk, 'SET #data = :data, #version = :next REMOVE #lease', {
        when: '#version = :version',
        values: { data, version, next: version + 1 },
      }),

    /** Moves the expiry of an item that has not expired by `now` (epoch seconds); false otherwise. */
    extend: (pk: string, expires: number, now: number) =>
      update(pk, 'SET #expires = :expires', { when: '#expires > :now', values: { expires, now } }),

    /** Takes the sole right to change `version` until `until`; false when it has changed or another's right lasts beyond `now` (both epoch milliseconds). */
    lease: (pk: string, version: number, now: number, until: number) => {
      const free = 'attribute_not_exists(#lease) OR #lease < :now OR #write = :write';
      const values = { version, now, until, write: randomUUID() };
      const condition = { when: `#version = :version AND (${free})`, values };
      return update(pk, 'SET #lease = :until, #write = :write', condition);
    },

    /** Gives the right back early, if the version is still the same. */
    release: async (pk: string, version: number): Promise<void> => {
      await update(pk, 'REMOVE #lease', { when: '#version = :version', values: { version } });
    },

    /**
     * Adds a member to an index item, which then lives until `expires`; gives all members. Nothing when the item was closed for
     * times after `since` (epoch seconds). Repeated after a lost answer it adds the same member; one that a logout met in between
     * is refused, as it should be.
     */
    link: async (pk: string, member: string, since: number, expires: number) => {
      const linked = await table.update(pk, 'SET #expires = :expires ADD #members :members', {
        when: 'attribute_not_exists(#closed) OR #closed <= :since',
        values: { expires, members: [member], since },
      });
      return linked && readMembers(linked);
    },

    /** Closes an index item, made where there is none, to members from before `at` (epoch seconds); gives those in it. It stays closed as far as the latest `at`. */
    close: async (pk: string, at: number, expires: number) => {
      const closed = await table.update(pk, 'SET #expires = :expires, #closed = :at', {
        when: 'attribute_not_exists(#closed) OR #closed <= :at',
        values: { expires, at },
      });
      // A later logout closed it further.
      return readMembers(closed ?? (await table.get(pk)));
    },

    /** Removes members of an index item. */
    unlink: async (pk: string, members: readonly string[]): Promise<void> => {
      if (members.length === 0) return;
      await update(pk, 'DELETE #members :members', { when: 'attribute_exists(#pk)', values: { members } });
    },
  };
}

/**
 * An item of the session table, without what only its conditions need: `data`, sealed with a key that only the browser's cookie
 * gives (secrets.ts), `version`, which counts the changes of it from 1, and `expires`, epoch seconds. The item does not count from then on,
 * though TTL may remove it days later: compare on every read.
 */
function readStored(item: Item | undefined) {
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
