import { homedir } from 'node:os';
import { join } from 'node:path';
import { createEndSessionUrl, isZonesError, refreshTokens, revokeToken } from '@helseid-zones/client';
import { type Journal, type Key, openJournal, readSettings, type Settings } from '../journal.ts';
import { readKey } from './key.ts';
import { logIn, type OpenUrl, openSystemBrowser } from './log-in.ts';
import { openSessions, type Session } from './session.ts';

// Locally installed software: one machine, one database. The key is in a file of that machine, encrypted.

const USAGE = `node examples/patterns/rich-client/main.ts COMMAND
  register     makes the first key and prints what to register at HelseID
  login        logs a person in with the system's browser
  call         calls the API as that person
  switch ORG   gets tokens for another organisation, by its number, and calls
  rotate       replaces the key by HelseID's self-service API
  logout       ends the session, here and at HelseID`;

/** Where this machine keeps what is the program's, and how it comes back from the browser. */
export interface Machine {
  key: Key;
  sessions: string;
  redirectUri: string;
  openUrl: OpenUrl;
  /** Seconds that HelseID may take for a new key; its own by default. */
  propagation?: number;
}

/** Runs one command and resolves to what it prints. */
export async function run(
  [name, child]: readonly string[],
  settings: Settings,
  machine: Machine,
): Promise<string> {
  const sessions = openSessions(machine.sessions);
  const { key, redirectUri, openUrl, propagation } = machine;
  const journal = await openJournal(key, settings);
  const { client } = journal;
  try {
    switch (name) {
      case 'register':
        return JSON.stringify(await journal.register());
      case 'login': {
        const scope = `openid profile offline_access ${settings.scope}`;
        const session = await logIn(client, scope, redirectUri, openUrl);
        // The lock is not held while a person logs in: other windows go on with the session before.
        await sessions.change(async () => session);
        return `${session.person.name} is logged in.`;
      }
      case 'call':
        return await callAsPerson(journal, sessions);
      case 'switch':
        await refresh(journal, sessions, [{ type: 'helseid_authorization', child }]);
        return await callAsPerson(journal, sessions);
      case 'rotate':
        return `The key is now ${await journal.rotate({ propagation })}.`;
      case 'logout': {
        const { idToken = '', refreshToken, person } = requireSession(sessions.read());
        await sessions.change(async () => undefined);
        await revokeToken(client, { token: refreshToken, hint: 'refresh_token' });
        const url = await createEndSessionUrl(client, { idToken, postLogoutRedirectUri: redirectUri });
        if (url) openUrl(url);
        return `${person.name} is logged out.`;
      }
      default:
        throw new Error(USAGE);
    }
  } finally {
    sessions.close();
  }
}

type Sessions = ReturnType<typeof openSessions>;

/** With the person's token, refreshed where it is over; it stays bound to the key that it was got with. */
function callAsPerson(journal: Journal, sessions: Sessions): Promise<string> {
  return journal.call({
    async get() {
      const session = requireSession(sessions.read());
      return (session.expiresAt ?? 0) > Date.now() / 1000 + 5 ? session : refresh(journal, sessions);
    },
    renew: () => refresh(journal, sessions),
  });
}

type Details = Parameters<typeof refreshTokens>[1]['details'];

async function refresh({ client }: Journal, sessions: Sessions, details?: Details): Promise<Session> {
  const after = await sessions.change(async (before) => {
    const session = requireSession(before);
    const { refreshToken, person: expected } = session;
    const tokens = await refreshTokens(client, { refreshToken, details, expected });
    return { ...session, ...tokens, refreshToken: tokens.refreshToken ?? refreshToken };
  });
  return requireSession(after);
}

function requireSession(session: Session | undefined): Session {
  if (session) return session;
  throw new Error('Nobody is logged in.');
}

if (import.meta.main) {
  const folder = join(homedir(), '.journal');
  const settings = { ...readSettings(process.env), passphraseFile: join(folder, 'passphrase') };
  const redirectUri = process.env['JOURNAL_REDIRECT_URI'] ?? 'http://127.0.0.1:8471/callback';
  const key = readKey(process.env);
  const machine = { key, sessions: join(folder, 'sessions.db'), redirectUri, openUrl: openSystemBrowser };
  run(process.argv.slice(2), settings, machine).then(console.log, (error) => {
    console.error(isZonesError(error) ? `${error.code}: ${error.message}` : error.message);
    process.exitCode = 1;
  });
}
