import { type ErrorCode, isZonesError, ZonesError } from '@helseid-zones/protocol/errors';
import { type Patience, retryUntilDeadline } from '../common/retry.ts';
import { isBeyondTheKey } from './helse-id.ts';
import type { Rotation } from './settings.ts';

type Waiting = Pick<Rotation, 'clock' | 'deadline' | 'client' | 'audit'>;

/** Seconds that anything but HelseID's own refusal is waited for: a signer that wakes up, KMS that has not heard of a new key. */
const HICCUP = 120;

/** Seconds after which the log says what is waited for: HelseID honours a new key sooner as a rule. */
const SILENCE = 60;

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
  'version_unknown',
];

/**
 * Does something that needs HelseID to accept a key, again and again until it does or the function's time is nearly over.
 * HelseID needs 20 seconds and more to honour a new key; a signer that has long been idle may fail once. What `run` does
 * must be harmless to do twice.
 * @throws {ZonesError} rotation_failed: it does not, with the last refusal as cause; the next run goes on from here. What waiting can't
 * mend is thrown as it is
 */
export async function tryPatiently<T>(rotation: Waiting, kid: string, run: () => Promise<T>): Promise<T> {
  const { clock, deadline, client, audit } = rotation;
  const hiccup = Math.min(clock.now() + HICCUP, deadline);
  let silent = clock.now() + SILENCE;
  const deadlineOf = (error: unknown) => {
    if (isHopeless(error)) return undefined;
    if (clock.now() > silent) {
      silent = Number.POSITIVE_INFINITY;
      audit('ROTATION_WAITS_FOR_ACCEPTANCE', { client, kid, reason: (error as ZonesError).code });
    }
    return isZonesError(error, 'token_refused') ? deadline : hiccup;
  };
  try {
    return await retryUntilDeadline(clock, run, deadlineOf);
  } catch (error) {
    throw isHopeless(error) ? error : notAcceptedError(error as ZonesError, kid);
  }
}

function isHopeless(error: unknown): boolean {
  return !isZonesError(error) || HOPELESS.includes(error.code) || isBeyondTheKey(error);
}

/**
 * Waits until `time` (epoch seconds).
 * @throws {ZonesError} rotation_failed: the function's time would be over by then; the next run goes on from here
 */
export async function waitUntil({ clock, deadline }: Patience, time: number, kid: string): Promise<void> {
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

function notAcceptedError(cause: ZonesError, kid: string): ZonesError {
  const message = `The issuer does not accept the new key yet (${cause.code}); the current key stays and the next run tries again.`;
  return new ZonesError('rotation_failed', message, {
    cause,
    facts: { ...cause.facts, kid, reason: cause.code },
  });
}
