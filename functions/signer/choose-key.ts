import { ZonesError } from '@helseid-zones/protocol/errors';
import type { Intent } from '@helseid-zones/protocol/intents';
import type { ClientRecord, KeyEntry } from '@helseid-zones/protocol/record';
import {
  currentKey,
  findKey,
  newestRegistered,
  usableForAssertion,
  usableForProof,
} from '@helseid-zones/protocol/record-states';

/**
 * The key an intent is signed with: the pinned one, the newest registered one, or the current one.
 * `now` is epoch milliseconds. Throws `key_unknown` for a pin that the record does not name, `key_not_usable` for a key
 * whose state forbids it (I9: a retiring key makes proofs until `usableUntil`) or when there is no such key yet.
 */
export function chooseKey(record: ClientRecord, intent: Intent, now: number): KeyEntry {
  if (intent.kid !== undefined) return choosePinned(record, intent, intent.kid, now);
  const newest = intent.kind === 'client_assertion' && intent.key === 'newest';
  const key = newest ? newestRegistered(record) : currentKey(record);
  if (!key)
    throw unusable('The client has no such key yet; docs/keys.md says how the first one is registered.');
  return key;
}

function choosePinned(record: ClientRecord, intent: Intent, kid: string, now: number): KeyEntry {
  const key = findKey(record, kid);
  if (!key)
    throw new ZonesError('key_unknown', 'The client record names no key with this kid.', { facts: { kid } });
  const usable = intent.kind === 'dpop_proof' ? usableForProof(key, now / 1000) : usableForAssertion(key);
  if (!usable) throw unusable('The key is retired; get a new token, which the current key binds.', kid);
  return key;
}

function unusable(message: string, kid?: string): ZonesError {
  return new ZonesError('key_not_usable', message, kid === undefined ? {} : { facts: { kid } });
}
