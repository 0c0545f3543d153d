import { ZonesError } from './errors.ts';
import type { ClientRecord, KeyEntry, KeyState, RecordOwner } from './record.ts';

/**
 * The state machine of a client key, pure. Every function returns a new record, or the very same object when there is
 * nothing to do, so that a step that is run again changes nothing.
 *
 * `registered` is written before the key is posted: from then on HelseID *may* accept it. That it has arrived is read
 * from HelseID, and proved by `verified`. So a crash between the two loses nothing: whoever asks for the newest
 * registered key gets the one that HelseID may have switched to already.
 */

/** Seconds added to the longest token lifetime: a login under way (fifteen minutes), records cached in signers, clocks. */
export const RETIREMENT_LEEWAY = 1200;

/** Which states follow which. `current` and `retiring` are entered together, by {@link switchCurrent}. */
export const NEXT_STATES: Readonly<Record<KeyState, readonly KeyState[]>> = {
  created: ['registered', 'retired'],
  registered: ['verified', 'retired'],
  verified: ['current', 'retired'],
  current: ['retiring'],
  retiring: ['retired'],
  retired: [],
};

/** States that a key on its way to `current` comes to, in order. */
const ADVANCING: readonly KeyState[] = ['registered', 'verified', 'current'];

/** Adds a key in state `created`, or straight in `retired` when it shall never be used. A key already there is left as it is. */
export function addKey(
  record: ClientRecord,
  { kid, keyArn, algorithm, publicKey }: Pick<KeyEntry, 'kid' | 'keyArn' | 'algorithm' | 'publicKey'>,
  at: number,
  state: 'created' | 'retired' = 'created',
): ClientRecord {
  if (findKey(record, kid)) return record;
  const key: KeyEntry = { kid, keyArn, algorithm, state: 'created', since: { created: at } };
  if (publicKey) key.publicKey = publicKey;
  return { ...record, keys: [...record.keys, state === 'retired' ? enter(key, state, at) : key] };
}

/**
 * Moves a key on to `registered`, `verified` or `retired`. Asking for a state that it is in, or has passed on its way to
 * `current`, changes nothing. A key in use is retired only after `usableUntil`, unless `force` says so.
 * @throws {ZonesError} key_unknown, transition_refused
 */
export function moveKey(
  record: ClientRecord,
  kid: string,
  to: 'registered' | 'verified' | 'retired',
  at: number,
  options: { force?: boolean } = {},
): ClientRecord {
  const key = requireKey(record, kid);
  if (key.state === to || hasPassed(key.state, to)) return record;
  if (!NEXT_STATES[key.state].includes(to)) throw refused(key, to, 'that is not the next state');
  if (!options.force && (key.usableUntil ?? 0) > at)
    throw refused(
      key,
      to,
      'tokens bound to it may still be alive; wait, or rotate with --now in an emergency',
    );
  return replaceKey(record, enter(key, to, at));
}

/**
 * Makes a verified key current and lets the one before it retire, in one step. `usableUntil` (epoch seconds) is how long
 * the replaced key signs proofs (I9).
 * @throws {ZonesError} key_unknown, transition_refused
 */
export function switchCurrent(
  record: ClientRecord,
  kid: string,
  at: number,
  usableUntil: number,
): ClientRecord {
  const key = requireKey(record, kid);
  if (key.state === 'current') return record;
  if (key.state !== 'verified') throw refused(key, 'current', 'only a verified key may become current');
  const before = currentKey(record);
  if (!before) return replaceKey(record, enter(key, 'current', at));
  const retiring = enter(before, 'retiring', at);
  const end = Math.max(usableUntil, retiring.since.retiring ?? at);
  return replaceKey(replaceKey(record, { ...retiring, usableUntil: end }), enter(key, 'current', at));
}

/**
 * Notes the expiry (epoch seconds) that HelseID reports for a key; `undefined` for a key without one.
 * @throws {ZonesError} key_unknown: the record names no such key
 */
export function noteExpiry(record: ClientRecord, kid: string, expires: number | undefined): ClientRecord {
  const key = requireKey(record, kid);
  if (key.expires === expires) return record;
  const { expires: _, ...rest } = key;
  return replaceKey(record, expires === undefined ? rest : { ...rest, expires });
}

/**
 * Gives a record to another registration: another client id, another issuer. Only while no key of it has been registered that
 * we know of: a key that is still `created` may have been registered by hand for the registration before, so it retires, but
 * for one that a draft has registered for the new client id. Returns the very same record where there is nothing to give, or
 * it can't be given.
 */
export function changeOwner(record: ClientRecord, owner: RecordOwner, at: number): ClientRecord {
  const { client, clientId, issuer } = owner;
  const same = record.clientId === clientId && record.issuer === issuer;
  if (same || record.client !== client || record.keys.some(wasRegistered)) return record;
  const keys = record.keys.map((key) => {
    const { draft, ...rest } = key;
    return draft === clientId && record.issuer === issuer ? rest : retire(key, at);
  });
  return { ...record, clientId, issuer, keys };
}

/** Whether a key has been registered at the issuer by rotation, or is on its way there. */
export function wasRegistered({ state, since }: KeyEntry): boolean {
  return since.registered !== undefined || (state !== 'created' && state !== 'retired');
}

/**
 * Notes that a draft has registered a key for another client id.
 * @throws {ZonesError} key_unknown: the record names no such key
 */
export function noteDraft(record: ClientRecord, kid: string, clientId: string): ClientRecord {
  return replaceKey(record, { ...requireKey(record, kid), draft: clientId });
}

/** The key with this thumbprint. */
export function findKey(record: ClientRecord, kid: string): KeyEntry | undefined {
  return record.keys.find((key) => key.kid === kid);
}

/** The key that signs what is not pinned; none before the bootstrap has ended. */
export function currentKey(record: ClientRecord): KeyEntry | undefined {
  return record.keys.find((key) => key.state === 'current');
}

/** The key registered last that HelseID may accept: what a token client falls back to after `invalid_client`. */
export function newestRegistered(record: ClientRecord): KeyEntry | undefined {
  return newest(record, ['registered', 'verified', 'current'], 'registered');
}

/** The key on its way to become current, if there is one. */
export function candidateKey(record: ClientRecord): KeyEntry | undefined {
  return newest(record, ['created', 'registered', 'verified'], 'created');
}

/** Whether a key may sign an assertion that pins it. */
export function usableForAssertion(key: KeyEntry): boolean {
  return key.state !== 'retired';
}

/** Whether a key may sign a proof at `now` (epoch seconds): a retiring one only until its last token has expired (I9). */
export function usableForProof(key: KeyEntry, now: number): boolean {
  if (key.state === 'retiring') return now < (key.usableUntil ?? 0);
  return key.state !== 'retired';
}

/** Retiring keys whose time is over at `now` (epoch seconds). */
export function dueToRetire(record: ClientRecord, now: number): KeyEntry[] {
  return record.keys.filter((key) => key.state === 'retiring' && !usableForProof(key, now));
}

function newest(record: ClientRecord, states: readonly KeyState[], by: KeyState): KeyEntry | undefined {
  const found = record.keys.filter((key) => states.includes(key.state));
  return found.sort((a, b) => (a.since[by] ?? 0) - (b.since[by] ?? 0)).at(-1);
}

function retire(key: KeyEntry, at: number): KeyEntry {
  return key.state === 'retired' ? key : enter(key, 'retired', at);
}

/**
 * A key that reaches `state`: never before what it has passed, however the clocks of those who say so differ. One that has retired
 * signs nothing and needs no public half: the record keeps it for ever, and a secret holds 64 KB.
 */
function enter({ publicKey, ...key }: KeyEntry, state: KeyState, at: number): KeyEntry {
  const reached = Math.max(at, ...Object.values(key.since));
  const kept = publicKey && state !== 'retired' ? { publicKey } : {};
  return { ...key, ...kept, state, since: { ...key.since, [state]: reached } };
}

function hasPassed(state: KeyState, to: KeyState): boolean {
  return ADVANCING.includes(to) && ADVANCING.indexOf(state) > ADVANCING.indexOf(to);
}

function requireKey(record: ClientRecord, kid: string): KeyEntry {
  const key = findKey(record, kid);
  if (key) return key;
  throw new ZonesError('key_unknown', `The record of client ${record.client} has no key ${kid}.`, {
    facts: { kid, client: record.client },
  });
}

function replaceKey(record: ClientRecord, key: KeyEntry): ClientRecord {
  return { ...record, keys: record.keys.map((old) => (old.kid === key.kid ? key : old)) };
}

function refused(key: KeyEntry, to: KeyState, why: string): ZonesError {
  return new ZonesError('transition_refused', `Key ${key.kid} stays ${key.state}, not ${to}: ${why}.`, {
    facts: { kid: key.kid, from: key.state, to },
  });
}
