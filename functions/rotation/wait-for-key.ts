import { type ErrorCode, isZonesError, ZonesError } from '@helseid-zones/protocol/errors';
import type { Rotation } from './ports.ts';
import { isBeyondTheKey } from './prove-key.ts';

/** Seconds between two tries: quick at first, then as patient as HelseID's caches need. */
const PAUSES = [1, 2, 4] as const;
const LONGEST_PAUSE = 5;

/** Seconds that anything but HelseID's own refusal is waited for: a signer that wakes up, KMS that has not heard of a new key. */
const HICCUP = 120;

/** What waiting can't mend, or what Secrets Manager's own retries are for. */
const HOPELESS: readonly ErrorCode[] = [
  'config_invalid',
  'details_invalid',
  'grant_refused',
  'intent_malformed',
  'record_invalid',
  'request_malformed',
  'rotation_failed',
  'self_service_refused',
  'self_service_unreachable',
];

/**
 * Does something that needs HelseID to accept a key, again and again until it does or the function's time is nearly over.
 * HelseID needs 20 seconds and more to honour a new key; a signer that has long been idle may fail once. What `run` does
 * must be harmless to do twice.
 * @throws ZonesError `rotation_failed` with the last refusal as cause; the next run goes on from here. What waiting can't
 * mend is thrown as it is
 */
export async function tryPatiently<T>(rotation: Rotation, kid: string, run: () => Promise<T>): Promise<T> {
  const began = rotation.clock.now();
  for (let tries = 0; ; tries += 1) {
    try {
      return await run();
    } catch (error) {
      if (!isZonesError(error) || isHopeless(error)) throw error;
      const pause = PAUSES[tries] ?? LONGEST_PAUSE;
      const end = error.code === 'token_refused' ? rotation.deadline : began + HICCUP;
      if (rotation.clock.now() + pause > Math.min(end, rotation.deadline)) throw giveUp(error, kid);
      await rotation.clock.wait(pause);
    }
  }
}

function isHopeless(error: ZonesError): boolean {
  return HOPELESS.includes(error.code) || isBeyondTheKey(error);
}

/**
 * Waits until `time` (epoch seconds).
 * @throws ZonesError `rotation_failed` when the function's time would be over by then; the next run goes on from here
 */
export async function waitUntil({ clock, deadline }: Rotation, time: number, kid: string): Promise<void> {
  if (time > deadline)
    throw new ZonesError(
      'rotation_failed',
      'The new key needs more time than this run has left; run it again.',
      {
        facts: { kid },
      },
    );
  await clock.wait(time - clock.now());
}

function giveUp(cause: ZonesError, kid: string): ZonesError {
  return new ZonesError(
    'rotation_failed',
    `The issuer does not accept the new key yet (${cause.code}); the current key stays and the next run tries again.`,
    { cause, facts: { ...cause.facts, kid, reason: cause.code } },
  );
}
