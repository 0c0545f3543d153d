import type { LoginStore } from '../../functions/login-common/store.ts';

interface Row {
  data?: string;
  version?: number;
  expires: number;
  lease?: number;
  members?: Set<string>;
  closed?: number;
}

/** A table in memory with the conditional semantics of the real one: each call is atomic, and answers in a later turn. */
export interface FakeLoginStore extends LoginStore {
  /** Everything in the table, as an attacker who reads it sees it. */
  rows: Map<string, Row>;
  /** Runs before each call; may throw, as a table that can't be asked does. */
  before: (operation: keyof LoginStore, pk: string) => void | Promise<void>;
  /** Calls that changed something. */
  writes: number;
}

export function createFakeLoginStore(): FakeLoginStore {
  const rows = new Map<string, Row>();
  /** Wraps an operation: a turn of the event loop before it, as a network has, and then all of it at once. */
  const atomic =
    <A extends [string, ...unknown[]], R>(operation: keyof LoginStore, run: (...args: A) => R) =>
    async (...args: A): Promise<R> => {
      await store.before(operation, args[0]);
      await Promise.resolve();
      return run(...args);
    };
  const changed = <T>(value: T): T => {
    store.writes += 1;
    return value;
  };
  const stored = (row: Row | undefined) =>
    row?.data === undefined || row.version === undefined
      ? undefined
      : { data: row.data, version: row.version, expires: row.expires };

  const store: FakeLoginStore = {
    rows,
    writes: 0,
    before: () => undefined,
    add: atomic('add', (pk, data: string, expires: number) => {
      if (rows.has(pk)) return false;
      rows.set(pk, { data, version: 1, expires });
      return changed(true);
    }),
    read: atomic('read', (pk) => stored(rows.get(pk))),
    take: atomic('take', (pk) => {
      const item = stored(rows.get(pk));
      if (rows.delete(pk)) changed(true);
      return item;
    }),
    replace: atomic('replace', (pk, version: number, data: string) => {
      const row = rows.get(pk);
      if (!row || row.version !== version) return false;
      row.data = data;
      row.version = version + 1;
      delete row.lease;
      return changed(true);
    }),
    extend: atomic('extend', (pk, expires: number, now: number) => {
      const row = rows.get(pk);
      if (!row || row.expires <= now) return false;
      row.expires = expires;
      return changed(true);
    }),
    lease: atomic('lease', (pk, version: number, now: number, until: number) => {
      const row = rows.get(pk);
      if (!row || row.version !== version || (row.lease !== undefined && row.lease >= now)) return false;
      row.lease = until;
      return changed(true);
    }),
    release: atomic('release', (pk, version: number) => {
      const row = rows.get(pk);
      if (row?.version === version) delete row.lease;
      return changed(undefined);
    }),
    link: atomic('link', (pk, member: string, since: number, expires: number) => {
      const row = rows.get(pk) ?? { expires };
      if (row.closed !== undefined && row.closed > since) return undefined;
      row.expires = expires;
      row.members = new Set([...(row.members ?? []), member]);
      rows.set(pk, row);
      return changed([...row.members]);
    }),
    close: atomic('close', (pk, at: number, expires: number) => {
      const row = rows.get(pk) ?? { expires };
      if (row.closed === undefined || row.closed <= at) {
        Object.assign(row, { closed: at, expires });
        rows.set(pk, row);
      }
      return changed([...(row.members ?? [])]);
    }),
    unlink: atomic('unlink', (pk, members: readonly string[]) => {
      for (const member of members) rows.get(pk)?.members?.delete(member);
      return changed(undefined);
    }),
  };
  return store;
}
