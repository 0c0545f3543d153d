import type { KeyEntry } from '@helseid-zones/protocol/record';

const DAY = 24 * 3600;

/** Days before its expiry at which a key is replaced at the latest: the alarm rings at 30. */
const DAYS_BEFORE_EXPIRY = 45;

/**
 * Why a current key is due to be replaced at `now` (epoch seconds), if it is: it has been current for the declared days, or
 * the expiry that HelseID reports is near. Near is 45 days, or a third of the key's life where that is shorter.
 */
export function isRotationDue(
  key: Pick<KeyEntry, 'since' | 'expires'>,
  everyDays: number,
  now: number,
): 'age' | 'expiry' | undefined {
  const { registered = 0, current = registered } = key.since;
  if (key.expires !== undefined) {
    const before = Math.min(DAYS_BEFORE_EXPIRY * DAY, (key.expires - registered) / 3);
    if (now >= key.expires - before) return 'expiry';
  }
  return now >= current + everyDays * DAY ? 'age' : undefined;
}
