import { createServer } from 'node:http';
import { isZonesError } from '@helseid-zones/client';
import { KEYS_TABLE } from '@helseid-zones/client/custody';
import { type Journal, type Key, openJournal, readSettings, type Settings } from '../journal.ts';
import { readKey } from './key.ts';

// Locally installed software with a backend of its own: many workstations, one database. The key is a row of that database, wrapped
// by an envelope key that only the backend's machines have. Workstations ask the backend; none of them has the envelope key.

const USAGE = `node examples/patterns/shared-backend/main.ts COMMAND
  table        prints the table that holds the key
  register     makes the first key and prints what to register at HelseID
  rotate       replaces the key, while any number of backends go on
  serve        answers the workstations, on PORT (default 8080)`;

/** Opens one backend; several share the database. */
export const openBackend = (settings: Settings, key: Key): Promise<Journal> => openJournal(key, settings);

/** Answers workstations of the enterprise's own network: they get what the API says, never a token. */
export function serve(journal: Journal, port: number) {
  const server = createServer(async (request, response) => {
    const known = request.method === 'GET' && request.url === '/summary';
    try {
      const [status = '', ...body] = known ? (await journal.call()).split(' ') : ['404'];
      response.writeHead(Number(status), { 'cache-control': 'no-store' }).end(body.join(' '));
    } catch (error) {
      console.error(isZonesError(error) ? error.code : error);
      response.writeHead(503).end();
    }
  });
  return server.listen(port);
}

const COMMANDS = new Map<string, (journal: Journal) => Promise<unknown>>([
  ['register', (journal) => journal.register()],
  ['rotate', (journal) => journal.rotate()],
  ['serve', async (journal) => void serve(journal, Number(process.env['PORT'] ?? 8080))],
]);

if (import.meta.main) {
  const [name = ''] = process.argv.slice(2);
  const command = COMMANDS.get(name);
  try {
    if (name === 'table') console.log(`${KEYS_TABLE};`);
    else if (!command) throw new Error(USAGE);
    else {
      const { env } = process;
      const printed = await command(await openBackend(readSettings(env), readKey(env)));
      if (printed) console.log(typeof printed === 'string' ? printed : JSON.stringify(printed));
    }
  } catch (error) {
    console.error(isZonesError(error) ? `${error.code}: ${error.message}` : (error as Error).message);
    process.exitCode = 1;
  }
}
