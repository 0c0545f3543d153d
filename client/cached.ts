import { ageAt } from '@helseid-zones/protocol/values';
import { withSecondConnection } from './http.ts';

/** A value that is read from somewhere else and kept in memory. Both functions reject with what `read` throws. */
export interface Cached<T> {
  /** The value kept, or read anew where it is too old. Callers at the same time share one reading. */
  get(): Promise<T>;
  /**
   * The value as it is now, for one who misses something in the kept one. Where that was asked less than `cooldown`
   * milliseconds ago, what came of it then, a failure too: whoever can make us miss something makes no more requests by it.
   */
  getAgain(cooldown: number): Promise<T>;
}

/** Milliseconds after a failed reading before the next, while there is an old value to go on with. */
const PAUSE = 30_000;

/**
 * Makes a {@link Cached}. What was read stays until something better is there: a failed reading never drops it. It is used
 * without a question for `lifetime` milliseconds, and for `grace` more while it can't be read anew. Failures are not
 * kept, and a reading whose connection breaks is made once more. A clock that is set back makes nothing younger.
 */
export function createCached<T>(options: {
  read: () => Promise<T>;
  lifetime: number;
  grace?: number;
  /** Epoch milliseconds. */
  now: () => number;
}): Cached<T> {
  const { read, lifetime, grace = 0, now } = options;
  let kept: { value: T; readAt: number; began: number } | undefined;
  let readings = 0;
  let running: Promise<T> | undefined;
  let failedAt = Number.NEGATIVE_INFINITY;
  let again: { askedAt: number; reading: Promise<T> } | undefined;

  function start(): Promise<T> {
    const readAt = now();
    readings += 1;
    const began = readings;
    const reading = withSecondConnection(read);
    running = reading;
    const end = () => {
      if (running === reading) running = undefined;
    };
    reading.then(
      (value) => {
        // The reading that began last knows best, whichever ends last.
        if (!kept || kept.began < began) kept = { value, readAt, began };
        end();
      },
      () => {
        failedAt = now();
        end();
      },
    );
    return reading;
  }

  return {
    async get() {
      const old = kept;
      const age = old ? ageAt(now(), old.readAt) : 0;
      if (old && age < lifetime) return old.value;
      if (!old || age >= lifetime + grace) return running ?? start();
      if (ageAt(now(), failedAt) < PAUSE) return old.value;
      return (running ?? start()).catch(() => old.value);
    },
    getAgain(cooldown) {
      const askedAt = now();
      if (!again || ageAt(askedAt, again.askedAt) >= cooldown) again = { askedAt, reading: start() };
      return again.reading;
    },
  };
}
