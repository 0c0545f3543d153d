import { createPrivateKey, type KeyObject } from 'node:crypto';
import { ALGORITHM_NAMES, type Algorithm, isAlgorithm } from '@helseid-zones/protocol/algorithms';
import { ZonesError } from '@helseid-zones/protocol/errors';
import { describePublicKey } from '@helseid-zones/protocol/jwk';
import { isWellEncrypted } from './encryption.ts';

/** One key that can be read out. Times are epoch seconds. */
export interface RingKey {
  /** RFC 7638 thumbprint. */
  kid: string;
  algorithm: Algorithm;
  /** `next` is on its way to become `current`; a `retiring` one signs proofs for tokens that are bound to it. */
  state: (typeof STATES)[number];
  /** Until when a retiring key signs. */
  usableUntil?: number | undefined;
  privateKey: KeyObject;
}

/** Whose keys they are, and in which zone they may be used. Each member is one line of the text. */
export interface RingOwner {
  client: string;
  clientId: string;
  issuer: string;
  /** The closed network that is the boundary: a machine, an enterprise with its backend, a cluster. */
  zone: string;
}

/** The keys of one client: the current one first, the next last. Empty before the first is made. */
export interface KeyRing {
  owner: Partial<RingOwner>;
  keys: readonly RingKey[];
}

/** The owner's members, as the text names them too. */
const MEMBERS = ['client', 'clientId', 'issuer', 'zone'] as const;

const STATES = ['current', 'next', 'retiring'] as const;

/** What a line before each key may say of it. */
const OF_KEYS = ['kid', 'algorithm', 'state', 'usableUntil'] as const;

/** A whole PKCS#8 key in PEM. */
const BLOCK =
  /^-----BEGIN (?:ENCRYPTED )?PRIVATE KEY-----\n[\s\S]*?^-----END (?:ENCRYPTED )?PRIVATE KEY-----$/gm;

/** Bytes that a ring has at most: what a secret of Secrets Manager holds. */
const LONGEST = 65_536;

/** A passphrase that was thought up is guessed: PBES2 as OpenSSL writes it stretches it 2,048 times only. */
const SHORTEST = 22;

/** How many of its characters differ: of random ones in base64, practically always more. */
const DISTINCT = 8;

/**
 * Reads keys as {@link formatRing} writes them: PKCS#8 (RFC 5958) in PEM, each with explanatory lines before it (RFC 7468 5.2),
 * which OpenSSL skips. One key without any, as `openssl genpkey -aes256` makes it, is a ring as well; nothing else in PEM is.
 *
 * @param algorithm of a key that says none
 * @throws {ZonesError} custody_refused: no key of it can be read with this passphrase, or it is a short one; a key is in the clear
 * though there is a passphrase, or weakly encrypted, or does not fit its algorithm; or the text contradicts itself. Neither message nor
 * cause repeats the text
 */
export function parseRing(text: string, passphrase: string | undefined, algorithm: Algorithm): KeyRing {
  requireLong(passphrase);
  if (text.length > LONGEST) throw refused(`is longer than ${LONGEST} characters`);
  // As editors leave it: with a byte order mark, and blanks at the ends of lines.
  const lines = text.replace(/^\ufeff/, '').split('\n');
  const unified = lines.map((line) => line.trimEnd()).join('\n');
  const blocks = unified.match(BLOCK) ?? [];
  if (unified.split('-----BEGIN').length - 1 > blocks.length)
    throw refused(
      'holds something else than whole PKCS#8 keys, which may be a key in the clear; take it out, or encrypt it by openssl pkcs8 -topk8',
    );
  if (blocks.length === 0 && unified.trim() !== '') throw refused('holds no private key in PEM');
  if (passphrase !== undefined && blocks.some((pem) => !pem.startsWith('-----BEGIN ENCRYPTED')))
    throw refused('is a key in the clear; encrypt it');
  // What stands before each.
  const facts = unified.split(BLOCK).map((before, index) => {
    const ofKeys = index < blocks.length ? OF_KEYS : [];
    return readFacts(before, index === 0 ? [...MEMBERS, ...ofKeys] : ofKeys);
  });
  const keys = blocks.map((pem, index) => {
    const state = index === 0 ? 'current' : 'next';
    return readKey(pem, passphrase, { algorithm, state, ...facts[index] });
  });
  if (keys.filter(({ state }) => state === 'current').length !== Math.min(keys.length, 1))
    throw refused('has not exactly one current key');
  if (new Set(keys.map(({ kid }) => kid)).size < keys.length) throw refused('has a key twice');
  const owner = MEMBERS.flatMap((member) => {
    const value = facts[0]?.[member];
    return value === undefined ? [] : [[member, value]];
  });
  return { owner: Object.fromEntries(owner), keys };
}

/**
 * Writes keys as text; encrypted with `passphrase` where one is given.
 * @throws {ZonesError} custody_refused: the passphrase is shorter than 22 characters (128 random bits in base64url), blanks around it not
 * counted, or repeats few; or the text would be too long to be read again
 */
export function formatRing({ owner, keys }: KeyRing, passphrase: string | undefined): string {
  requireLong(passphrase);
  const blocks = keys.map(({ kid, algorithm, state, usableUntil, privateKey }) =>
    [
      ...[`kid: ${kid}`, `algorithm: ${algorithm}`, `state: ${state}`],
      ...(usableUntil === undefined ? [] : [`usableUntil: ${usableUntil}`]),
      writeKey(privateKey, passphrase),
    ].join('\n'),
  );
  const text = [[...ownerLines(owner), ''].join('\n'), ...blocks].join('\n');
  if (Buffer.byteLength(text) <= LONGEST) return text;
  const ends = keys.flatMap(({ usableUntil = [] }) => usableUntil);
  throw refused(
    `has no room for ${keys.length} keys, and nothing was changed: those that were replaced are kept while they sign proofs, the first until ${Math.min(...ends)} (epoch seconds); try again then, and replace the key less often`,
  );
}

/** The lines that name an owner, as they stand before the first key. */
export const ownerLines = (owner: Partial<RingOwner>): string[] =>
  MEMBERS.flatMap((member) => (owner[member] ? [`${member}: ${owner[member]}`] : []));

/** Whether there are keys and not all of their owner: then nothing refuses them to the next who comes. */
export const lacksOwner = ({ owner, keys }: KeyRing): boolean =>
  keys.length > 0 && !MEMBERS.every((member) => owner[member]);

/**
 * Refuses an owner that can't be written and read back.
 * @throws {ZonesError} custody_refused: a name is empty, has blanks around it or a line break in it
 */
export function requireNames(owner: RingOwner): void {
  // What is no text, from a program without types, would be written as if it were.
  for (const member of MEMBERS)
    if (typeof owner[member] !== 'string' || !isName(owner[member]))
      throw new ZonesError(
        'custody_refused',
        `The ${member} must be one line of text that neither begins nor ends with a blank.`,
      );
}

const isName = (text: string): boolean => /^\S(?:[^\p{Cc}\u2028\u2029]*\S)?$/u.test(text);

/** The keys as a memory signer takes them at `now` (epoch seconds): the current one first, the newest last. */
export function usableKeys({ keys }: KeyRing, now: number): RingKey[] {
  const current = keys.filter(({ state }) => state === 'current');
  const retiring = keys.filter(({ state, usableUntil = 0 }) => state === 'retiring' && now < usableUntil);
  const next = keys.filter(({ state }) => state === 'next');
  return [...current, ...retiring, ...(next.length > 0 ? next : current)];
}

/** What lines say. One that seems to name a fact, and would be passed over for how or where it is written, is refused. */
function readFacts(text: string, names: readonly string[]): Record<string, string> {
  const facts: Record<string, string> = {};
  for (const line of text.split('\n')) {
    const [seen = '', ...rest] = line.normalize('NFKC').split(/[:=]/);
    const folded = seen.replace(/[^\p{L}\p{N}]/gu, '').toLowerCase();
    const known = [...MEMBERS, ...OF_KEYS].find((name) => name.toLowerCase() === folded);
    if (!known || rest.length === 0) continue;
    const value = line.startsWith(`${known}: `) ? line.slice(known.length + 2) : '';
    if (!isName(value) || !names.includes(known) || Object.hasOwn(facts, known))
      throw refused(
        `has a line that seems to say the ${known}: write exactly "${known}: " and the value, once, before the key that it is of (the owner's before the first), or take the line out`,
      );
    facts[known] = value;
  }
  return facts;
}

function readKey(pem: string, passphrase: string | undefined, facts: Readonly<Record<string, string>>) {
  // Before it is opened, which would take as long as it says.
  if (passphrase !== undefined && !isWellEncrypted(pem))
    throw refused(
      'has a key that is not encrypted by AES in CBC mode, its passphrase stretched by HMAC with SHA-2 in 2048 to 2000000 rounds or by scrypt with N of at least 16384; encrypt it again: openssl pkcs8 -topk8 -v2 aes-256-cbc',
    );
  const privateKey = readPrivateKey(pem, passphrase);
  const { algorithm, usableUntil } = facts;
  if (!isAlgorithm(algorithm)) throw refused(`names another algorithm than ${ALGORITHM_NAMES.join(', ')}`);
  const kid = thumbprintOf(privateKey, algorithm);
  if ((facts['kid'] ?? kid) !== kid) throw refused('names another kid than its key has');
  const state = STATES.find((each) => each === facts['state']);
  if (!state) throw refused(`names a state that is none of ${STATES.join(', ')}`);
  if (usableUntil === undefined) return { kid, algorithm, state, privateKey };
  if (!/^\d{1,12}$/.test(usableUntil)) throw refused('names a time that is no number of seconds');
  return { kid, algorithm, state, privateKey, usableUntil: Number(usableUntil) };
}

function readPrivateKey(key: string, passphrase: string | undefined): KeyObject {
  try {
    return createPrivateKey({ key, ...(passphrase === undefined ? {} : { passphrase }) });
  } catch {
    // The cause is left out: what it says of a passphrase is nobody's to log.
    throw refused(
      'has a key that this passphrase does not open (all of it counts: also a newline at the end of a file that it is read from)',
    );
  }
}

function requireLong(passphrase: string | undefined): void {
  if (passphrase === undefined) return;
  // Letters, digits, punctuation and symbols: what can be seen.
  const seen = new Set(passphrase.match(/[\p{L}\p{N}\p{P}\p{S}]/gu));
  if (passphrase.trim().length >= SHORTEST && seen.size >= DISTINCT) return;
  const message = `The passphrase is shorter than ${SHORTEST} characters, blanks around it left out, or fewer than ${DISTINCT} of those that can be seen differ; make one with openssl rand -base64 32, and encrypt the key by it (openssl pkcs8 -topk8).`;
  throw new ZonesError('custody_refused', message);
}

function writeKey(key: KeyObject, passphrase: string | undefined): string {
  const cipher = passphrase === undefined ? {} : { cipher: 'aes-256-cbc', passphrase };
  return key.export({ type: 'pkcs8', format: 'pem', ...cipher }).toString();
}

function thumbprintOf(key: KeyObject, algorithm: Algorithm): string {
  try {
    return describePublicKey(key, algorithm).thumbprint;
  } catch (cause) {
    const message = `What keeps the client's keys has one that is none of ${algorithm}, its own algorithm or else the client's: open it with the algorithm that it was made for, or make another.`;
    throw new ZonesError('custody_refused', message, { cause });
  }
}

const refused = (why: string) => new ZonesError('custody_refused', `What keeps the client's keys ${why}.`);

/** What keeps a client's keys as one text. */
export interface RingStore {
  /** Milliseconds for which a text that was read is used without reading it again. */
  lifetime: number;
  /** The text as it is now; nothing where there is none yet. */
  read(): Promise<string | undefined>;
  /**
   * Has `mutate` change the text as it is now, while nobody else does, and resolves to what stands afterwards. What it returns is
   * stored whole or not at all; the same text as before writes nothing. `mutate` may be run again.
   */
  change(mutate: (text: string | undefined) => string): Promise<string>;
}
