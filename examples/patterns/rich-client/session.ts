import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { UserTokens } from '@helseid-zones/client';

/** A person's session, as the local database holds it. */
export interface Session extends UserTokens {
  refreshToken: string;
  /** The login's: every refresh must be of the same person. */
  person: { iss: string; sub: string; name: string };
}

/**
 * The session in the local database, one at most. `change` holds the database's lock: a refresh token is good once, so two windows
 * must not use it at the same time. What is deleted is overwritten: a refresh token is good until it is revoked.
 */
export function openSessions(file: string) {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  // Never others' to read, not even while it is made.
  closeSync(openSync(file, 'a', 0o600));
  chmodSync(file, 0o600);
  const database = new DatabaseSync(file);
  database.exec(
    'PRAGMA busy_timeout = 15000; PRAGMA secure_delete = ON; CREATE TABLE IF NOT EXISTS session (id INTEGER PRIMARY KEY CHECK (id = 1), data TEXT NOT NULL)',
  );
  const read = (): Session | undefined => {
    const row = database.prepare('SELECT data FROM session').get();
    return row ? JSON.parse(String(row['data'])) : undefined;
  };
  return {
    read,
    async change(
      make: (before: Session | undefined) => Promise<Session | undefined>,
    ): Promise<Session | undefined> {
      database.exec('BEGIN IMMEDIATE');
      try {
        const after = await make(read());
        database.exec('DELETE FROM session');
        if (after) database.prepare('INSERT INTO session VALUES (1, ?)').run(JSON.stringify(after));
        database.exec('COMMIT');
        return after;
      } catch (error) {
        database.exec('ROLLBACK');
        throw error;
      }
    },
    close: () => database.close(),
  };
}
