import { chmodSync, copyFileSync, mkdirSync, renameSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { addKey, type Database, KEYS_TABLE } from '@helseid-zones/client/custody';
import { required } from '@helseid-zones/protocol/values';
import type { JWK } from 'jose';
import { type Journal, type Key, openJournal, type Settings } from '../../examples/patterns/journal.ts';
import { openBrowser } from '../app/steps/browser.ts';
import { TEST_USERS } from '../helseid/users.ts';
import type { PatternWorld } from './stand-in.ts';

/** A pattern of the guideline as it is shown: its boundary, and steps that keep to it or break it. */
export interface Pattern {
  /** The boundary as the guideline draws it. */
  boundary: string;
  holds: string;
  mayUse: string;
  breaks: string;
  run(steps: Steps, place: PatternPlace): Promise<void>;
}

/** What a pattern runs in. */
export interface PatternPlace {
  world: PatternWorld;
  /** Nobody else's. */
  folder: string;
  settings: Settings;
  redirectUri: string;
}

/** Does a step and tells what came of it. */
type Step = (title: string, run: () => Promise<unknown>) => Promise<void>;

/** Steps that keep to the rule, and those that break it: what keeps the key must refuse them (`custody_…`). */
export type Steps = Record<'does' | 'breaks', Step>;

const CHILD = '974760673';
/** HelseID's 20 seconds are not the stand-in's. */
const PROPAGATION = 0;

const uriOf = (path: string, query = '') => pathToFileURL(path).href + query;

/** What a person does in HelseID's portal with what `register` printed. */
function registerFirst({ world, settings }: PatternPlace, jwk: object): string {
  world.register(settings.clientId, jwk as JWK);
  return `its public key is registered in HelseID's portal (${(jwk as JWK).kid})`;
}

/** Uses the key by the same code, but for what has changed. */
async function elsewhere(settings: Settings, key: Key, change: Partial<Key & Settings>) {
  const journal = await openJournal({ ...key, ...change }, { ...settings, ...change });
  return journal.custody.publicKeys();
}

/** The person at the machine: goes through HelseID's pages and back to the program. */
async function actAsPerson(url: string): Promise<void> {
  const browser = openBrowser();
  const page = await browser.open(url);
  if (page.url.pathname.includes('/account/login/'))
    await browser.submit(page, { user: required(TEST_USERS[0], 'A person').sub });
}

/** A rich client: examples/patterns/rich-client. */
const richClient: Pattern = {
  boundary: 'this machine, and its local database',
  holds: 'a file of this machine, encrypted (file:); its passphrase is in another',
  mayUse: 'the program on this machine; each machine has a key of its own',
  breaks: 'the file on a second machine, or one that other users of this one can read',
  async run({ does, breaks }, place) {
    const { folder, settings, redirectUri } = place;
    const path = join(folder, 'key.pem');
    const { run } = await import('../../examples/patterns/rich-client/main.ts');
    const { readKey } = await import('../../examples/patterns/rich-client/key.ts');
    const key = readKey({ JOURNAL_KEY: uriOf(path) });
    const openUrl = (url: string) => void actAsPerson(url).catch(() => {});
    const machine = {
      key,
      sessions: join(folder, 'sessions.db'),
      redirectUri,
      propagation: PROPAGATION,
      openUrl,
    };
    const command = (...args: string[]) => run(args, settings, machine);
    await does('register', async () => registerFirst(place, JSON.parse(await command('register'))));
    await does('login', () => command('login'));
    await does('call', () => command('call'));
    await does(`switch ${CHILD}`, () => command('switch', CHILD));
    await does('rotate', () => command('rotate'));
    await does('call, with the token of the key before', () => command('call'));
    await breaks('the same file on a second machine', () =>
      elsewhere(settings, key, { zone: 'surgery-pc-5' }),
    );
    await breaks('the same key at a second issuer', () =>
      elsewhere(settings, key, { issuer: 'https://another-issuer.example.no' }),
    );
    const copy = `${path}.copy`;
    copyFileSync(path, copy);
    chmodSync(copy, 0o644);
    await breaks('a copy that others can read', () => elsewhere(settings, key, { uri: uriOf(copy) }));
    await does('logout', () => command('logout'));
  },
};

/** A backend that workstations share: examples/patterns/shared-backend. */
const sharedBackend: Pattern = {
  boundary: 'the workstations, the shared backend and its database, within one enterprise',
  holds: 'a row of the database (postgres:), wrapped by an envelope key that only the backend has',
  mayUse: 'every backend of this enterprise; workstations ask a backend, and get answers, never the key',
  breaks: 'the database in a second enterprise, or a workstation without the envelope key',
  async run({ does, breaks }, place) {
    const { openBackend } = await import('../../examples/patterns/shared-backend/main.ts');
    const { readKey } = await import('../../examples/patterns/shared-backend/key.ts');
    const uri = process.env['JOURNAL_DATABASE'] ?? 'postgres://journal@localhost/journal';
    const key = readKey({ JOURNAL_KEY: uri });
    const database = await openDatabase();
    const settings = { ...place.settings, database };
    const [one, two] = [await openBackend(settings, key), await openBackend(settings, key)] as const;
    await does('register', async () => registerFirst(place, await one.register()));
    await does('a workstation asks the first backend', () => one.call());
    await does('and the second', () => two.call());
    await does('both rotate at once, while workstations ask on', async () => {
      const rotated = [one, two].map((backend) => backend.rotate({ propagation: PROPAGATION }));
      const asked = await Promise.all(Array.from({ length: 8 }, (_, at) => (at % 2 ? one : two).call()));
      const kids = new Set(await Promise.all(rotated));
      if (kids.size > 1) throw new Error(`${kids.size} new keys`);
      return `${asked.filter((answer) => answer.startsWith('200')).length} of 8 answered, one new key: ${[...kids].join(', ')}`;
    });
    await breaks('the same row in a second enterprise', () => elsewhere(settings, key, { zone: 'hospital' }));
    await breaks('a workstation with the database and no envelope key', () =>
      elsewhere(settings, key, { passphraseFile: join(place.folder, 'guessed') }),
    );
  },
};

/** PostgreSQL in this process, or the one that JOURNAL_DATABASE names. Its library is loaded where it is needed. */
async function openDatabase(): Promise<Database | undefined> {
  if (process.env['JOURNAL_DATABASE']) return undefined;
  const name: string = '@electric-sql/pglite';
  const { PGlite } = await import(name);
  const database = await PGlite.create();
  await database.exec(KEYS_TABLE);
  return database;
}

/** A service in a cluster: examples/patterns/distributed. */
const distributed: Pattern = {
  boundary: 'the closed network that the components run in, such as one Kubernetes cluster',
  holds: 'a Kubernetes secret that the pods mount (file:), encrypted; its passphrase is another secret',
  mayUse: 'every component within the closed network; the public side reaches the service, never the key',
  breaks: 'the secret in a second cluster or network: then the key must be secured, as in cross-zone',
  async run({ does, breaks }, place) {
    const { settings } = place;
    const mount = join(place.folder, 'mount');
    const source = join(place.folder, 'administrator.pem');
    const { openService } = await import('../../examples/patterns/distributed/main.ts');
    const { readKey } = await import('../../examples/patterns/distributed/key.ts');
    const key = readKey({ JOURNAL_KEY: uriOf(join(mount, 'key.pem'), '?mode=440') });
    const administrator = await openJournal({ ...key, uri: uriOf(source) }, settings);
    let version = 0;
    const apply = () => swapSecret(mount, source, ++version);
    await does('register, on an administrator’s machine', async () => {
      const said = registerFirst(place, await administrator.register());
      apply();
      return said;
    });
    const pods: Journal[] = [await openService(settings, key), await openService(settings, key)];
    await does('both pods call', async () => (await Promise.all(pods.map((pod) => pod.call()))).join(' · '));
    await does('the secret changes under them: first it has the next key, then HelseID', async () => {
      await administrator.custody.change((ring) => addKey(ring, 'ES256'));
      apply();
      const kid = await administrator.rotate({ propagation: PROPAGATION });
      apply();
      return `the key is now ${kid}`;
    });
    await does('both pods call on, without a restart', async () => {
      const keyOf = async (pod: Journal) => (await pod.custody.publicKeys())[0]?.thumbprint;
      const keys = await Promise.all(pods.map(keyOf));
      return `${(await Promise.all(pods.map((pod) => pod.call()))).join(' · ')} (${[...new Set(keys)].join(', ')})`;
    });
    await breaks('the same secret in a second cluster', () =>
      elsewhere(settings, key, { zone: 'partner-cluster' }),
    );
    await breaks('a pod that would change the mounted secret', () =>
      required(pods[0], 'A pod').custody.change((ring) => addKey(ring, 'ES256')),
    );
  },
};

/** A new version of the secret as kubelet brings it: a directory of its own, and a link that is swapped. */
function swapSecret(mount: string, source: string, version: number): void {
  mkdirSync(join(mount, `..${version}`), { recursive: true, mode: 0o700 });
  const file = join(mount, `..${version}`, 'key.pem');
  copyFileSync(source, file);
  chmodSync(file, 0o440);
  symlinkSync(`..${version}`, join(mount, '..data_tmp'));
  renameSync(join(mount, '..data_tmp'), join(mount, '..data'));
  if (version === 1) symlinkSync('..data/key.pem', join(mount, 'key.pem'));
}

/** The patterns within one network, by the name that the command line has for them. */
export const PATTERNS: Readonly<Record<string, Pattern>> = {
  'rich-client': richClient,
  'shared-backend': sharedBackend,
  distributed,
};
