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
