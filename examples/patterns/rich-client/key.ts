import type { Key } from '../journal.ts';

/** The boundary of the system is drawn here: who may use the key, and where it is kept. */
export const key: Key = {
  zone: process.env['JOURNAL_ZONE'] ?? 'surgery-pc-4',
  uri: process.env['JOURNAL_KEY'] ?? 'file:///var/lib/journal/key.pem',
};
