import * as v from 'valibot';
import type { Algorithm } from './algorithms.ts';
import { ALGORITHMS } from './algorithms.ts';
import { ZonesError } from './errors.ts';
import { recordProblems } from './record-states.ts';

/** The states of a key, in the order a key passes through them. docs/keys.md has the machine. */
export const KEY_STATES = ['created', 'registered', 'verified', 'current', 'retiring', 'retired'] as const;

/** See {@link KEY_STATES}. */
export type KeyState = (typeof KEY_STATES)[number];

/** One key of a client record. Times are epoch seconds. */
export interface KeyEntry {
  /** RFC 7638 thumbprint of the public key. */
  kid: string;
  /** ARN of the KMS key. */
  keyArn: string;
  algorithm: Algorithm;
  state: KeyState;
  /** When the key reached each state it has passed. */
  since: Partial<Record<KeyState, number>>;
  /** Set when it begins to retire: until then proofs for tokens bound to it are signed (I9). */
  usableUntil?: number;
  /** What HelseID last reported as its expiry. */
  expires?: number;
  /** The client id under which a draft has registered it, until the declaration has that id. */
  draft?: string;
}

/** The client record: a Secrets Manager secret. It names keys and never holds key material. */
export interface ClientRecord {
  version: 1;
  client: string;
  clientId: string;
  issuer: string;
  keys: KeyEntry[];
}

/** Who a record must belong to; the declaration says it, the record only repeats it. */
export type RecordOwner = Pick<ClientRecord, 'client' | 'clientId' | 'issuer'>;

/** What infrastructure puts into a new secret. A constant, so that no later deploy overwrites a record with keys. */
export const SEED_RECORD = '{"version":1,"keys":[]}';

const time = v.pipe(v.number(), v.integer(), v.minValue(0));

const schema = v.strictObject({
  version: v.literal(1),
  client: v.exactOptional(v.string()),
  clientId: v.exactOptional(v.string()),
  issuer: v.exactOptional(v.string()),
  keys: v.array(
    v.strictObject({
      kid: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{43}$/)),
      keyArn: v.pipe(v.string(), v.regex(/^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key\/[A-Za-z0-9-]+$/)),
      algorithm: v.picklist(Object.keys(ALGORITHMS) as Algorithm[]),
      state: v.picklist(KEY_STATES),
      since: v.strictObject({
        created: v.exactOptional(time),
        registered: v.exactOptional(time),
        verified: v.exactOptional(time),
        current: v.exactOptional(time),
        retiring: v.exactOptional(time),
        retired: v.exactOptional(time),
      }),
      usableUntil: v.exactOptional(time),
      expires: v.exactOptional(time),
      draft: v.exactOptional(v.pipe(v.string(), v.minLength(1))),
    }),
  ),
});

/**
 * Reads the secret's text as `owner`'s record. A record without keys may lack its owner ({@link SEED_RECORD}) and gets `owner`'s.
 * Throws `record_invalid` for another schema, another owner, and whatever {@link recordProblems} names; the message
 * never repeats the text. Does not check that the keys exist or fit their algorithm.
 */
export function parseRecord(text: string, owner: RecordOwner): ClientRecord {
  return requireOwner(readRecord(text, owner), owner);
}

/** {@link parseRecord}, whoever the record belongs to: for who may give it to another. */
export function readRecord(text: string, owner: RecordOwner): ClientRecord {
  const parsed = v.safeParse(schema, parseJson(text), { abortEarly: true });
  if (!parsed.success) {
    const field = v.getDotPath(parsed.issues[0]) ?? 'the whole';
    throw invalid(`does not follow schema version 1 (${field})`);
  }
  const { client, clientId, issuer } = owner;
  const record = { client, clientId, issuer, ...parsed.output };
  for (const member of OWNER_MEMBERS)
    if (record.keys.length > 0 && parsed.output[member] === undefined)
      throw invalid(`does not say whose it is (${member})`);
  const [problem] = recordProblems(record);
  if (problem) throw invalid(`contradicts itself (${problem})`);
  return record;
}

/** Throws `record_invalid` for the record of another registration than the declaration's. */
export function requireOwner(record: ClientRecord, owner: RecordOwner): ClientRecord {
  for (const member of OWNER_MEMBERS)
    if (record[member] !== owner[member])
      throw invalid(`belongs to another ${member} than the declaration's, and has keys registered there`);
  return record;
}

const OWNER_MEMBERS = ['client', 'clientId', 'issuer'] as const;

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The cause is left out: its message quotes the text.
    throw invalid('is not JSON');
  }
}

function invalid(why: string): ZonesError {
  return new ZonesError(
    'record_invalid',
    `The client record ${why}; docs/keys.md says how to restore a version, and how to change a client id.`,
  );
}
