import { awsErrorName, type Clock, type KmsPort } from './key-ports.ts';

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

/** Seconds before each further question; the last is repeated. */
const PAUSES = [1, 2, 4, 5] as const;

/**
 * Asks until what was just made is there: until `ask` answers, fails with something that `isMissing` does not know, or the
 * time is over; then the last answer stands. `ask` must be harmless to repeat.
 */
export async function untilThere<T>(
  { clock, deadline }: Patience,
  ask: () => Promise<T>,
  isMissing: (error: unknown) => boolean,
): Promise<T> {
  const end = Math.min(clock.now() + SETTLING, deadline);
  for (let tries = 0; ; tries += 1) {
    try {
      return await ask();
    } catch (error) {
      const pause = PAUSES[Math.min(tries, PAUSES.length - 1)] ?? 1;
      if (!isMissing(error) || clock.now() + pause > end) throw error;
      await clock.wait(pause);
    }
  }
}

/** What KMS may say for a while of a key that it has just made, or enabled. */
const UNSETTLED = ['NotFoundException', 'KMSInvalidStateException', 'DisabledException'];

/**
 * A KMS that is asked again while it does not know a key yet. Every call that names a key is of that kind; those that name
 * none go through as they are. A key that is gone for good is waited for as well: KMS does not tell the two apart.
 */
export function createPatientKms(kms: KmsPort, patience: Patience): KmsPort {
  const again =
    <I, O>(call: (input: I) => Promise<O>) =>
    (input: I) =>
      untilThere(
        patience,
        () => call(input),
        (error) => UNSETTLED.includes(awsErrorName(error)),
      );
  return {
    createKey: kms.createKey,
    listKeys: kms.listKeys,
    describeKey: again(kms.describeKey),
    disableKey: again(kms.disableKey),
    enableKey: again(kms.enableKey),
    getKeyPolicy: again(kms.getKeyPolicy),
    getPublicKey: again(kms.getPublicKey),
    listResourceTags: again(kms.listResourceTags),
  };
}
