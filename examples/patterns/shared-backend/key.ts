import type { Key } from '../journal.ts';

/** The boundary of the system is drawn here: who may use the key, and where it is kept. */
export const key: Key = {
  zone: process.env['JOURNAL_ZONE'] ?? 'surgery',
  uri: process.env['JOURNAL_KEY'] ?? 'postgres://journal@db.surgery.internal/journal',
};
