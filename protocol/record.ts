import * as v from 'valibot';
import { ALGORITHM_NAMES } from './algorithms.ts';
import { ZonesError } from './errors.ts';
import { thumbprintOf } from './jwk.ts';
import { readBy, refuseNewer, seconds, text } from './schema.ts';
import { isObject, parseJson } from './values.ts';

/** The states of a key, in the order a key passes through them. docs/keys.md has the machine. */
export const KEY_STATES = ['created', 'registered', 'verified', 'current', 'retiring', 'retired'] as const;

/** See {@link KEY_STATES}. */
export type KeyState = (typeof KEY_STATES)[number];

const keyEntry = v.strictObject({
  /** RFC 7638 thumbprint of the public key. */
  kid: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{43}$/)),
  /** ARN of the KMS key. */
  keyArn: v.pipe(v.string(), v.regex(/^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key\/[A-Za-z0-9-]+$/)),
  algorithm: v.picklist(ALGORITHM_NAMES),
  state: v.picklist(KEY_STATES),
  /** When the key reached each state it has passed. */
  since: v.strictObject(v.entriesFromList(KEY_STATES, v.exactOptional(seconds))),
  /** Set when it begins to retire: until then proofs for tokens bound to it are signed (I9). */
  usableUntil: v.exactOptional(seconds),
  /** What HelseID last reported as its expiry. */
  expires: v.exactOptional(seconds),
  /** Its public half, so that a signer need not ask KMS before it signs; not of a retired one, nor of one that 0.2.0 or an older release made. */
  publicKey: v.exactOptional(
    v.variant('kty', [
      v.strictObject({
        kty: v.literal('EC'),
        crv: v.picklist(['P-256', 'P-384', 'P-521']),
        x: text,
        y: text,
      }),
      v.strictObject({ kty: v.literal('RSA'), n: text, e: text }),
    ]),
  ),
  /** The client id under which a draft has registered it, until the declaration has that id. */
  draft: v.exactOptional(text),
});

const clientRecord = v.strictObject({
  version: v.literal(1),
  client: text,
  clientId: text,
  issuer: text,
  keys: v.array(keyEntry),
});

/** One key of a client record. Times are epoch seconds. */
export type KeyEntry = v.InferOutput<typeof keyEntry>;

/** The client record: a Secrets Manager secret. It names keys and never holds key material. */
export type ClientRecord = v.InferOutput<typeof clientRecord>;

/** Who a record must belong to; the declaration says it, the record only repeats it. */
export type RecordOwner = Pick<ClientRecord, 'client' | 'clientId' | 'issuer'>;

/** What infrastructure puts into a new secret. A constant, so that no later deploy overwrites a record with keys. */
export const SEED_RECORD = '{"version":1,"keys":[]}';

/**
 * Reads the secret's text as `owner`'s record. A record without keys may lack its owner ({@link SEED_RECORD}) and gets `owner`'s.
 * Does not check that the keys exist or fit their algorithm.
 * @throws {ZonesError} record_invalid: another schema, another owner, and whatever {@link recordProblems} names; the message
 * never repeats the text
 * @throws {ZonesError} version_unknown: a newer release has written it
 */
export function parseRecord(text: string, owner: RecordOwner): ClientRecord {
  return requireOwner(readRecord(text, owner), owner);
}

/** {@link parseRecord}, whoever the record belongs to: for who may give it to another. */
export function readRecord(text: string, { client, clientId, issuer }: RecordOwner): ClientRecord {
  const value = refuseNewer(
    parseJson(text),
    'The client record',
    'deploy that release everywhere, the signing stack first',
  );
  const seed = isObject(value) && Array.isArray(value['keys']) && value['keys'].length === 0;
  const input = seed ? { client, clientId, issuer, ...value } : value;
  const refuse = (field: string) => invalid(`does not follow format 1 (${field || 'the whole'})`);
  const record = readBy(clientRecord, input, refuse);
  const [problem] = recordProblems(record);
  if (problem) throw invalid(`contradicts itself (${problem})`);
  return record;
}

/**
 * A record that is the declared registration's, as it is.
 * @throws {ZonesError} record_invalid: it is another's
 */
export function requireOwner(record: ClientRecord, owner: RecordOwner): ClientRecord {
  for (const member of OWNER_MEMBERS)
    if (record[member] !== owner[member])
      throw invalid(`belongs to another ${member} than the declaration's, and has keys registered there`);
  return record;
}

const OWNER_MEMBERS = ['client', 'clientId', 'issuer'] as const;

/** What is wrong, where it is. */
type Problem = [wrong: boolean, what: string];

/** What is wrong with a record that has the right shape, in words; empty when nothing is. */
export function recordProblems({ keys }: ClientRecord): string[] {
  const current = keys.filter((key) => key.state === 'current').map(({ kid }) => kid);
  const home = keys[0]?.keyArn.split(':key/')[0];
  const problems: Problem[] = [
    [hasTwins(keys.map(({ kid }) => kid)), 'a key twice: two have the same kid'],
    [current.length > 1, `two current keys: ${current.join(' and ')} are current`],
    [hasTwins(keys.map(({ keyArn }) => keyArn)), 'two keys have the same ARN'],
    ...keys.flatMap((key) =>
      keyProblems(key, home).map(([wrong, what]): Problem => [wrong, `key ${key.kid} ${what}`]),
    ),
  ];
  return problems.filter(([wrong]) => wrong).map(([, what]) => what);
}

function keyProblems(key: KeyEntry, home: string | undefined): Problem[] {
  const { kid, state, since, usableUntil, publicKey } = key;
  const reached = KEY_STATES.filter((each) => since[each] !== undefined);
  const times = reached.map((each) => since[each] ?? 0);
  const unordered = times.some((time, index) => time < (times[index - 1] ?? 0));
  const began = since.retiring ?? Number.POSITIVE_INFINITY;
  return [
    [publicKey !== undefined && thumbprintOf(publicKey) !== kid, 'brings the public half of another key'],
    [since[state] === undefined, 'has no time for its state'],
    [reached.some((each) => isAfter(each, state)), 'has the time of a state that it has not reached'],
    [unordered, 'reached a state before the one before it'],
    [state === 'retiring' && usableUntil === undefined, 'is retiring and has no usableUntil'],
    [(usableUntil ?? began) < began, 'has a usableUntil that is not after it began to retire'],
    [key.keyArn.split(':key/')[0] !== home, 'is in another account or region than the first'],
  ];
}

function isAfter(state: KeyState, other: KeyState): boolean {
  return KEY_STATES.indexOf(state) > KEY_STATES.indexOf(other);
}

function hasTwins(values: readonly string[]): boolean {
  return new Set(values).size < values.length;
}

function invalid(why: string): ZonesError {
  const message = `The client record ${why}; docs/keys.md says how to restore a version, and how to change a client id.`;
  return new ZonesError('record_invalid', message);
}
