import type { Key } from '../journal.ts';

/** The boundary of the system is drawn here: who may use the key, and where it is kept. */
export const readKey = (env: NodeJS.ProcessEnv): Key => ({
  zone: env['JOURNAL_ZONE'] ?? 'surgery',
  uri: env['JOURNAL_KEY'] ?? 'postgres://journal@db.surgery.internal/journal',
});
