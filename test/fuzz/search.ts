import { createPrivateKey, randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { LocalSystem } from '../../local/app/system.ts';
import { KEYS_FILE } from '../../local/aws/state.ts';
import { TEST_USERS } from '../../local/helseid/users.ts';
import { findLeak, plant, plantKey } from '../canaries.ts';

const filesIn = (folder: string) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
const readJson = (file: string) => JSON.parse(readFileSync(file, 'utf8'));

/** What is looked for and how it gets into a line when it is shown that it would be found. */
type Planted = Map<string, string>;

/** The secrets that a running system holds by now, each planted: clients' keys, the issuers', people's numbers, secrets of functions. */
function plantSystem({ state, aws }: LocalSystem): Planted {
  const planted: Planted = new Map();
  for (const { id, privatePem } of readJson(join(state, KEYS_FILE)).keys) {
    if (privatePem === undefined) continue;
    plantKey(`private key ${id}`, createPrivateKey(privatePem));
    planted.set('a client’s private key', privatePem);
  }
  for (const file of filesIn(state).filter((each) => basename(each) === 'issuer.json')) {
    const { jwk, cookieKey } = readJson(file);
    plantKey(`private key ${file}`, createPrivateKey({ key: jwk, format: 'jwk' }));
    planted.set('an issuer’s private key', jwk.d);
    planted.set('the key of an issuer’s cookies', plant(`cookie key ${file}`, cookieKey));
  }
  for (const { stored } of aws.secrets.list())
    for (const { text = '' } of stored.versions)
      if (text.startsWith('whsec_')) planted.set('a webhook’s secret', plant(stored.name, text.slice(6)));
  planted.set('an operator’s secret key', plant('secret key', aws.operator.secretAccessKey));
  for (const { pid } of TEST_USERS) planted.set('a national identity number', plant(`number of ${pid}`, pid));
  return planted;
}

/**
 * Looks for the secrets of a running system in every line of its trail, which has what functions log, and in their log files.
 * `tell` hears what was found where.
 */
export function searchTrail(system: LocalSystem, tell: (what: string) => void) {
  const { trail, state, logs } = system;
  /** Those of people: too many to be planted all, and told from anything else by themselves. */
  const people = new Map<string, string>();
  let heard = tell;
  const end = trail.subscribe(({ fields }) => {
    const leak = findLeak(fields);
    if (leak !== undefined) heard(`the trail shows the ${leak}: ${JSON.stringify(fields).slice(0, 300)}`);
  });
  let planted = plantSystem(system);
  /** Stands in the lines that show that the search finds. */
  const proof = randomUUID();
  return {
    /** Looks for what was made meanwhile, too. */
    again(): void {
      planted = new Map([...planted, ...plantSystem(system)]);
    },
    /** Looks for something of a person's, such as a session or a code. */
    add(name: string, secret: string | undefined): void {
      if (secret === undefined) return;
      people.set(plant(name, secret), name);
      planted.set(`a ${name}`, secret);
    },
    /** Puts one of each kind into the trail, where each must be found; resolves to the kinds. */
    prove(): string[] {
      for (const [kind, secret] of planted) {
        const found: string[] = [];
        heard = (what) => void found.push(what);
        trail.add({ kind: 'log', fields: { text: `${proof} ${secret}` } });
        heard = tell;
        if (found.length !== 1) tell(`${kind} is not found in the trail, where it was put`);
      }
      return [...planted.keys()];
    },
    /**
     * Ends the search. Once the system is closed, and the stand-in has saved its tokens, looks through the lines of all log files for
     * what is known only then; gives the number of tokens and lines.
     */
    finish() {
      end();
      for (const file of filesIn(state).filter((each) => basename(each) === 'sessions.json'))
        for (const [token] of readJson(file).RefreshToken ?? []) people.set(token, 'refresh token');
      let lines = 0;
      const proved = new Set<string>();
      for (const file of filesIn(logs))
        for (const line of readFileSync(file, 'utf8').split('\n')) {
          lines += 1;
          for (const name of [...line.matchAll(/[\w-]{20,}/g)].flatMap(([word]) => people.get(word) ?? []))
            if (line.includes(proof)) proved.add(name);
            else tell(`${basename(file)} shows a ${name}: ${line.slice(0, 300)}`);
        }
      if (proved.size === 0) tell('the log files do not show what was put there');
      return { tokens: people.size, lines };
    },
  };
}
