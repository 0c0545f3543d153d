import { awsErrorName } from './aws-error.ts';
import type { Clock } from './clock.ts';
import { KMS_COMMANDS, type KmsPort } from './key-ports.ts';

/** Seconds before each further try; the last is repeated. */
const PAUSES = [1, 2, 4, 5] as const;

/**
 * Tries again until it succeeds, fails with an error that has no deadline, or that error's deadline (epoch seconds) would have
 * passed after the next pause; then throws the last error. What `run` does must be harmless to repeat.
 */
export async function retryUntilDeadline<T>(
  clock: Clock,
  run: () => Promise<T>,
  deadlineOf: (error: unknown) => number | undefined,
): Promise<T> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await run();
    } catch (error) {
      const pause = PAUSES[tries] ?? 5;
      const deadline = deadlineOf(error);
      if (deadline === undefined || clock.now() + pause > deadline) throw error;
      await clock.wait(pause);
    }
  }
}

/** How long something that AWS has just made may be waited for. */
export interface Patience {
  clock: Clock;
  /** Epoch seconds after which nothing more is waited for; {@link SETTLING} bounds each call besides. */
  deadline: number;
}

/**
 * Seconds for which AWS may deny what it has just made or changed. KMS and Secrets Manager are eventually consistent; KMS
 * speaks of a few seconds as a rule (https://docs.aws.amazon.com/kms/latest/developerguide/accessing-kms.html).
 */
export const SETTLING = 60;

/** {@link retryUntilDeadline} for what was just made and may not be visible yet: what `isMissing` knows is asked again. */
export function retryUntilVisible<T>(
  { clock, deadline }: Patience,
  ask: () => Promise<T>,
  isMissing: (error: unknown) => boolean,
): Promise<T> {
  const end = Math.min(clock.now() + SETTLING, deadline);
  return retryUntilDeadline(clock, ask, (error) => (isMissing(error) ? end : undefined));
}

/** What KMS may say for a while of a key that it has just made, or enabled. */
const UNSETTLED = ['NotFoundException', 'KMSInvalidStateException', 'DisabledException'];

/**
 * A KMS that is asked again while it does not know a key yet. Every call that names a key is of that kind; those that name
 * none go through as they are. A key that is gone for good is waited for as well: KMS does not tell the two apart.
 */
export function createRetryingKms(kms: KmsPort, patience: Patience): KmsPort {
  const { createKey: _, listKeys: __, ...ofKeys } = KMS_COMMANDS;
  const isUnsettled = (error: unknown) => UNSETTLED.includes(awsErrorName(error));
  const again = (Object.keys(ofKeys) as (keyof typeof ofKeys)[]).map((name) => [
    name,
    (input: never) => retryUntilVisible<unknown>(patience, () => kms[name](input), isUnsettled),
  ]);
  return { ...kms, ...Object.fromEntries(again) };
}
