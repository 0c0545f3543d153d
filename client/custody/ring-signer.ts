import type { Algorithm } from '@helseid-zones/protocol/algorithms';
import { requireOneZone } from '@helseid-zones/protocol/custody';
import { isZonesError, ZonesError } from '@helseid-zones/protocol/errors';
import { describePublicKey } from '@helseid-zones/protocol/jwk';
import { ageAt } from '@helseid-zones/protocol/values';
import { createMemorySigner, generateKey } from '../create-signer.ts';
import type { CustodyOptions, Opened } from './open.ts';
import {
  formatRing,
  type KeyRing,
  lacksOwner,
  ownerLines,
  parseRing,
  type RingKey,
  type RingOwner,
  type RingStore,
  requireNames,
  usableKeys,
} from './ring.ts';
import { parseCustodyUri } from './uri.ts';

/** The owner's members that make a key one registration's (HelseID's SK5), as a message says them. */
const REGISTRATION = { client: 'client', clientId: 'client id', issuer: 'issuer' } as const;

/** What a message may repeat as a zone's name: hardly what base64 or hex has. */
const PLAIN = /^[a-z](?:[a-z /_-]|\d(?!\d{2})){0,40}$/;

/**
 * Keys that can be read out, in any store. They are decrypted once for each text that is read. Keys that do not name all of their
 * owner, as OpenSSL makes them, become this one's when they are first read, and are refused where that can't be written.
 */
export function openRing(store: RingStore, options: CustodyOptions, passphrase?: string): Opened {
  const { client, subject, zone, now = Date.now } = options;
  const { scheme } = parseCustodyUri(options.uri);
  const owner: RingOwner = { client, clientId: subject.clientId, issuer: subject.issuer, zone };
  requireNames(owner);
  let naming: Promise<KeyRing> | undefined;
  let held: { text: string | undefined; ring: KeyRing; readAt: number } | undefined;

  function take(text: string | undefined): KeyRing {
    // A disk that was full leaves that: with a first key in it, those of before would be gone for good.
    if (text?.trim() === '')
      throw new ZonesError(
        'custody_refused',
        'What the keys are kept in is empty: put its copy back, or remove it to begin with a first key.',
        { facts: { custody: scheme } },
      );
    const ring =
      held && held.text === text ? held.ring : parseRing(text ?? '', passphrase, options.algorithm);
    requireOwner(ring.owner);
    held = { text, ring, readAt: now() };
    return ring;
  }

  function requireOwner(found: Partial<RingOwner>): void {
    // What stands there may be anything, also part of a key.
    const named = found.zone === undefined || found.zone === zone || PLAIN.test(found.zone);
    requireOneZone(scheme, [...new Set([named ? (found.zone ?? zone) : '(another)', zone])]);
    for (const [member, what] of Object.entries(REGISTRATION) as [keyof typeof REGISTRATION, string][])
      if ((found[member] ?? owner[member]) !== owner[member])
        throw new ZonesError(
          'custody_shared',
          `The keys are those of another ${what}; a key is used for one registration at one issuer: give this one a custody of its own.`,
          { facts: { custody: scheme } },
        );
  }

  async function read(fresh: boolean): Promise<KeyRing> {
    if (!fresh && held && ageAt(now(), held.readAt) < store.lifetime) return held.ring;
    const ring = take(await store.read());
    if (!lacksOwner(ring)) return ring;
    naming ??= change((found) => (lacksOwner(found) ? { ...found } : found)).finally(() => {
      naming = undefined;
    });
    return naming.catch((cause) => {
      if (isZonesError(cause, 'custody_shared')) throw cause;
      const lines = ownerLines(owner).map((line) => `"${line}"`);
      const message = `The keys do not name all of their owner, so nothing refuses them elsewhere, and it can not be written here (see the cause): open them once where it can, or put these lines before the first key: ${lines.join(', ')}.`;
      throw new ZonesError('custody_refused', message, { cause, facts: { custody: scheme } });
    });
  }

  async function change(mutate: (ring: KeyRing) => KeyRing): Promise<KeyRing> {
    const text = await store.change((before) => {
      const ring = take(before);
      const next = mutate(ring);
      // Encrypting makes new text each time: what has not changed is not written.
      if (next === ring && before !== undefined) return before;
      // Those whose time is over make room.
      const keys = next.keys.filter(
        ({ state, usableUntil = 0 }) => state !== 'retiring' || now() / 1000 < usableUntil,
      );
      return formatRing({ keys, owner }, passphrase);
    });
    return take(text);
  }

  async function usable(fresh: boolean): Promise<[RingKey, ...RingKey[]]> {
    const [current, ...others] = usableKeys(await read(fresh), now() / 1000);
    if (current) return [current, ...others];
    throw new ZonesError('custody_unavailable', 'There is no key yet; make the first, and register it.', {
      facts: { custody: scheme },
    });
  }

  return {
    signer: {
      async sign(intents) {
        const newest = intents.some((each) => each.kind === 'client_assertion' && each.key === 'newest');
        const sign = async (fresh: boolean) =>
          createMemorySigner({ ...options, keys: await usable(fresh) }).sign(intents);
        // Rotation may have gone on since the keys were read.
        return sign(newest).catch((error) => {
          if (newest || !isZonesError(error, 'key_unknown')) throw error;
          return sign(true);
        });
      },
    },
    async publicKeys() {
      const { keys } = await read(true);
      const order = ['current', 'retiring', 'next'];
      return [...keys]
        .sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state))
        .map(({ privateKey, algorithm }) => describePublicKey(privateKey, algorithm));
    },
    change,
  };
}

/** A new key, `current` where there is none yet, or else `next`; a ring that has a next one is left as it is. */
export function addKey(ring: KeyRing, algorithm: Algorithm): KeyRing {
  if (ring.keys.some(({ state }) => state === 'next')) return ring;
  const key = generateKey(algorithm);
  const kid = describePublicKey(key.privateKey, algorithm).thumbprint;
  const state = ring.keys.length === 0 ? 'current' : 'next';
  return { ...ring, keys: [...ring.keys, { ...key, kid, state }] };
}

/**
 * Makes the next key current; the one before it signs proofs until `usableUntil` (epoch seconds), and those whose time is over are
 * dropped. A ring in which the key is current, or gone, is left as it is.
 */
export function switchKey(ring: KeyRing, kid: string, now: number, usableUntil: number): KeyRing {
  const next = ring.keys.find((key) => key.kid === kid);
  if (next?.state !== 'next') return ring;
  const retiring = ring.keys
    .filter((key) => key !== next)
    .map((key) => (key.state === 'current' ? { ...key, state: 'retiring' as const, usableUntil } : key))
    .filter((key) => (key.usableUntil ?? 0) > now);
  return { ...ring, keys: [{ ...next, state: 'current' }, ...retiring] };
}
