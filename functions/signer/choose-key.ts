import { ZonesError } from '../../client/errors.ts';
import type { Intent } from '../../client/intents.ts';
import type { ClientRecord, KeyEntry, KeyState } from '../common/record.ts';

/** States a pinned key may be in. Rotation tests a key it has just made, so `created` is among them. */
const PINNABLE: readonly KeyState[] = ['created', 'registered', 'verified', 'current', 'retiring'];

/** States of which `newest` takes the key that reached `registered` last. */
const KNOWN_TO_ISSUER: readonly KeyState[] = ['registered', 'verified', 'current'];

/**
 * The key an intent is signed with: the pinned one, the newest registered one, or the current one.
 * `now` is epoch milliseconds. Throws `key_unknown` for a pin that the record does not name, `key_not_usable` for a key
 * whose state forbids it (I9: a retiring key makes proofs until `usableUntil`) or when there is no such key yet.
 */
export function chooseKey(record: ClientRecord, intent: Intent, now: number): KeyEntry {
  if (intent.kid !== undefined) return choosePinned(record, intent, intent.kid, now);
  if (intent.kind === 'client_assertion' && intent.key === 'newest') return chooseNewest(record);
  const current = record.keys.find(({ state }) => state === 'current');
  if (!current)
    throw unusable('The client has no current key yet; docs/keys.md says how the first one is registered.');
  return current;
}

function choosePinned(record: ClientRecord, intent: Intent, kid: string, now: number): KeyEntry {
  const key = record.keys.find((candidate) => candidate.kid === kid);
  if (!key)
    throw new ZonesError('key_unknown', 'The client record names no key with this kid.', { facts: { kid } });
  const over = intent.kind === 'dpop_proof' && key.usableUntil !== undefined && now > key.usableUntil * 1000;
  if (!PINNABLE.includes(key.state) || (key.state === 'retiring' && over))
    throw unusable('The key is retired; get a new token, which the current key binds.', kid);
  return key;
}

function chooseNewest(record: ClientRecord): KeyEntry {
  const [newest] = record.keys
    .filter(({ state }) => KNOWN_TO_ISSUER.includes(state))
    .sort((a, b) => registeredAt(b) - registeredAt(a));
  if (!newest)
    throw unusable('No key of the client is registered yet; docs/keys.md says how to register the first.');
  return newest;
}

function registeredAt({ since }: KeyEntry): number {
  return since.registered ?? since.verified ?? since.current ?? since.created ?? 0;
}

function unusable(message: string, kid?: string): ZonesError {
  return new ZonesError('key_not_usable', message, kid === undefined ? {} : { facts: { kid } });
}
