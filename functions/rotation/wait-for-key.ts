import { type ErrorCode, isZonesError, ZonesError } from '../../client/errors.ts';
import type { Rotation } from './ports.ts';

/** Seconds between two tries: quick at first, then as patient as HelseID's caches need. */
const PAUSES = [1, 2, 4] as const;
const LONGEST_PAUSE = 5;

/** What waiting cannot mend. */
const HOPELESS: readonly ErrorCode[] = [
  'config_invalid',
  'details_invalid',
  'grant_refused',
  'intent_malformed',
  'record_invalid',
  'request_malformed',
];

/**
 * Fetches a token with a key, trying again until HelseID accepts it or the function's time is nearly over. HelseID needs
 * 20 seconds and more to honour a new key; a signer that has long been idle may fail once.
 * @throws ZonesError `rotation_failed` with the last refusal as cause; the next run goes on from here
 */
export async function provePatiently(rotation: Rotation, kid: string): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    try {
      await rotation.helseId.proveKey(kid);
      return;
    } catch (error) {
      const pause = PAUSES[tries] ?? LONGEST_PAUSE;
      if (isHopeless(error) || rotation.clock.now() + pause > rotation.deadline) throw giveUp(error, kid);
      await rotation.clock.wait(pause);
    }
  }
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

function isHopeless(error: unknown): boolean {
  return !isZonesError(error) || HOPELESS.includes(error.code);
}

function giveUp(cause: unknown, kid: string): unknown {
  if (!isZonesError(cause)) return cause;
  return new ZonesError(
    'rotation_failed',
    `HelseID has not accepted the new key yet (${cause.code}); the current key stays and the next run tries again.`,
    { cause, facts: { ...cause.facts, kid, reason: cause.code } },
  );
}
