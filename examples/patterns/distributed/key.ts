import type { Key } from '../journal.ts';

/** The boundary of the system is drawn here: who may use the key, and where it is kept. */
export const readKey = (env: NodeJS.ProcessEnv): Key => ({
  zone: env['JOURNAL_ZONE'] ?? 'journal-cluster',
  uri: env['JOURNAL_KEY'] ?? 'file:///var/run/secrets/helseid/key.pem?mode=440',
});
