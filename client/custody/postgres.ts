import { isZonesError, ZonesError } from '@helseid-zones/protocol/errors';
import type { RingStore } from './ring.ts';

/** Who is asked within a transaction. */
interface Queryable {
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>;
}

/** As much of a PostgreSQL client as is needed; PGlite fits, and {@link connectPostgres} makes one. */
export interface Database extends Queryable {
  transaction<T>(run: (transaction: Queryable) => Promise<T>): Promise<T>;
}

/** The table that holds keys, a row a client; its text is wrapped (see {@link createPostgresStore}). */
export const KEYS_TABLE = `CREATE TABLE IF NOT EXISTS helseid_keys (
  client text PRIMARY KEY,
  keys text NOT NULL,
  changed_at timestamptz NOT NULL DEFAULT now()
)`;

/**
 * Keys in a table of PostgreSQL, {@link KEYS_TABLE}, each encrypted by a passphrase that the database never sees: whoever has the
 * database, its backups or its log has no key. A change holds the row's lock; who only reads does not wait for it.
 *
 * @throws {ZonesError} custody_unavailable: the database does not answer, or refuses
 */
export function createPostgresStore(database: Database, client: string): RingStore {
  const select = 'SELECT keys FROM helseid_keys WHERE client = $1';
  const readRow = async (from: Queryable, suffix = ''): Promise<string | undefined> => {
    const [row] = (await from.query(select + suffix, [client])).rows as { keys: string }[];
    return row?.keys || undefined;
  };
  return {
    lifetime: 5000,
    read: () => readRow(database).catch(throwUnavailable),
    async change(mutate) {
      const run = async (transaction: Queryable): Promise<string> => {
        const insert = "INSERT INTO helseid_keys (client, keys) VALUES ($1, '') ON CONFLICT DO NOTHING";
        await transaction.query(insert, [client]);
        const before = await readRow(transaction, ' FOR UPDATE');
        const text = mutate(before);
        const update = 'UPDATE helseid_keys SET keys = $2, changed_at = now() WHERE client = $1';
        if (text !== before) await transaction.query(update, [client, text]);
        return text;
      };
      return database.transaction(run).catch(throwUnavailable);
    },
  };
}

interface PgPool extends Queryable {
  connect(): Promise<Queryable & { release(broken?: boolean): void }>;
  on(event: 'error', listener: () => void): void;
}

/**
 * A {@link Database} by the package `pg`, which the application installs. `uri` holds no password: `PGPASSWORD` or a passfile does.
 * @throws {ZonesError} custody_unavailable: the package is not installed
 */
export async function connectPostgres(uri: string): Promise<Database> {
  // By a name that no bundler follows: an application that keeps its keys elsewhere has no such package.
  const name: string = 'pg';
  const { default: pg } = (await import(name).catch((cause) => {
    const message = 'Keys in PostgreSQL need the package pg: npm install pg.';
    throw new ZonesError('custody_unavailable', message, { cause, facts: { custody: 'postgres:' } });
  })) as { default: { Pool: new (options: object) => PgPool } };
  const pool = new pg.Pool({ connectionString: uri, max: 4 });
  // A connection that breaks while nobody uses it is made anew by the next.
  pool.on('error', () => {});
  return {
    query: (text, values) => pool.query(text, values),
    async transaction(run) {
      const connection = await pool.connect();
      let broken = true;
      try {
        await connection.query('BEGIN');
        const result = await run(connection);
        await connection.query('COMMIT');
        broken = false;
        return result;
      } finally {
        // One with an open transaction goes out of the pool, which rolls it back.
        connection.release(broken);
      }
    },
  };
}

/** What `mutate` throws is not the database's. */
function throwUnavailable(cause: unknown): never {
  if (isZonesError(cause)) throw cause;
  const message = 'The database that keeps the keys did not answer as it should; its error is the cause.';
  throw new ZonesError('custody_unavailable', message, {
    cause: withoutRow(cause),
    facts: { custody: 'postgres:' },
  });
}

/** PostgreSQL's `detail` shows the row that it refuses, and clients add what they have sent. */
function withoutRow(cause: unknown): unknown {
  if (!(cause instanceof Error)) return cause;
  const { name, message, stack, code } = cause as NodeJS.ErrnoException;
  return Object.assign(new Error(message), { name, stack, code });
}
