import { createPrivateKey, type KeyObject } from 'node:crypto';
import { ALGORITHM_NAMES, type Algorithm, isAlgorithm } from '@helseid-zones/protocol/algorithms';
import { ZonesError } from '@helseid-zones/protocol/errors';
import { describePublicKey } from '@helseid-zones/protocol/jwk';
import { weakEncryption } from './encryption.ts';

/** One key that can be read out. Times are epoch seconds. */
export interface RingKey {
  /** RFC 7638 thumbprint. */
  kid: string;
  algorithm: Algorithm;
  /** `next` is on its way to become `current`; a `retiring` one signs proofs for tokens that are bound to it. */
  state: 'current' | 'next' | 'retiring';
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

/** A whole PKCS#8 key in PEM. */
const BLOCK =
  /^-----BEGIN (?:ENCRYPTED )?PRIVATE KEY-----\n[\s\S]*?^-----END (?:ENCRYPTED )?PRIVATE KEY-----$/gm;

/** Characters that a ring has at most: what a secret of Secrets Manager holds. */
const LONGEST = 65_536;

/** A passphrase that was thought up is guessed: PBES2 as OpenSSL writes it stretches it 2,048 times only. */
const SHORTEST = 22;

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
  const unified = text.replaceAll('\r\n', '\n');
  const blocks = unified.match(BLOCK) ?? [];
  if (unified.split('-----BEGIN').length - 1 > blocks.length)
    throw refused(
      'holds something else than whole PKCS#8 keys, which may be a key in the clear; take it out, or encrypt it by openssl pkcs8 -topk8',
    );
  if (blocks.length === 0 && unified.trim() !== '') throw refused('holds no private key in PEM');
  if (passphrase !== undefined && blocks.some((pem) => !pem.startsWith('-----BEGIN ENCRYPTED')))
    throw refused('is a key in the clear; encrypt it');
  // What stands before each.
  const facts = unified.split(BLOCK).map(readFacts);
  const keys = blocks.map((pem, index) => readKey(pem, passphrase, { algorithm, ...facts[index] }, index));
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
 * @throws {ZonesError} custody_refused: the passphrase is shorter than 22 characters (128 random bits in base64url), blanks around it not counted
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
  return [[...ownerLines(owner), ''].join('\n'), ...blocks].join('\n');
}

/** The lines that name an owner, as they stand before the first key. */
export function ownerLines(owner: Partial<RingOwner>): string[] {
  return MEMBERS.flatMap((member) => (owner[member] ? [`${member}: ${owner[member]}`] : []));
}

/** Whether there are keys and not all of their owner: then nothing refuses them to the next who comes. */
export function lacksOwner({ owner, keys }: KeyRing): boolean {
  return keys.length > 0 && !MEMBERS.every((member) => owner[member]);
}

/**
 * Refuses an owner that can't be written and read back.
 * @throws {ZonesError} custody_refused: a name is empty, has blanks around it or a line break in it
 */
export function requireNames(owner: RingOwner): void {
  // What is no text, from a program without types, would be written as if it were.
  for (const member of MEMBERS)
    if (typeof owner[member] !== 'string' || !/^\S(?:[^\p{Cc}\u2028\u2029]*\S)?$/u.test(owner[member]))
      throw new ZonesError(
        'custody_refused',
        `The ${member} must be one line of text that neither begins nor ends with a blank.`,
      );
}

/** The keys as a memory signer takes them at `now` (epoch seconds): the current one first, the newest last. */
export function usableKeys({ keys }: KeyRing, now: number): RingKey[] {
  const current = keys.filter(({ state }) => state === 'current');
  const retiring = keys.filter(({ state, usableUntil = 0 }) => state === 'retiring' && now < usableUntil);
  const next = keys.filter(({ state }) => state === 'next');
  return [...current, ...retiring, ...(next.length > 0 ? next : current)];
}

function readFacts(lines: string): Record<string, string> {
  const pairs = [...lines.matchAll(/^([a-zA-Z]+): (.*)$/gm)];
  return Object.fromEntries(pairs.map(([, name, value = '']) => [name, value.trim()]));
}

function readKey(
  pem: string,
  passphrase: string | undefined,
  facts: Readonly<Record<string, string>>,
  index: number,
): RingKey {
  const privateKey = readPrivateKey(pem, passphrase);
  const weak = passphrase === undefined ? undefined : weakEncryption(pem);
  if (weak) throw refused(`has a key that ${weak}; encrypt it again: openssl pkcs8 -topk8 -v2 aes-256-cbc`);
  const { algorithm, usableUntil } = facts;
  if (!isAlgorithm(algorithm)) throw refused(`names another algorithm than ${ALGORITHM_NAMES.join(', ')}`);
  const kid = thumbprintOf(privateKey, algorithm);
  const { kid: named = kid, state = index === 0 ? 'current' : 'next' } = facts;
  if (named !== kid) throw refused('names another kid than its key has');
  if (state !== 'current' && state !== 'next' && state !== 'retiring')
    throw refused('names a state that is none of current, next, retiring');
  if (usableUntil === undefined) return { kid, algorithm, state, privateKey };
  if (!/^\d{1,12}$/.test(usableUntil)) throw refused('names a time that is no number of seconds');
  return { kid, algorithm, state, privateKey, usableUntil: Number(usableUntil) };
}

function readPrivateKey(key: string, passphrase: string | undefined): KeyObject {
  try {
    return createPrivateKey({ key, ...(passphrase === undefined ? {} : { passphrase }) });
  } catch {
    // The cause is left out: what it says of a passphrase is nobody's to log.
    throw refused('has a key that this passphrase does not open');
  }
}

function requireLong(passphrase: string | undefined): void {
  if (passphrase === undefined || passphrase.trim().length >= SHORTEST) return;
  throw new ZonesError(
    'custody_refused',
    `The passphrase is shorter than ${SHORTEST} characters, blanks around it left out; make one with openssl rand -base64 32, and encrypt the key by it (openssl pkcs8 -topk8).`,
  );
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

function refused(why: string): ZonesError {
  return new ZonesError('custody_refused', `What keeps the client's keys ${why}.`);
}

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
