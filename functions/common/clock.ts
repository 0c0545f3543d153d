/** Time, replaceable. */
export interface Clock {
  /** Epoch seconds. */
  now(): number;
  wait(seconds: number): Promise<void>;
}

/** The wall clock. */
export const systemClock: Clock = {
  now: () => Math.floor(Date.now() / 1000),
  wait: (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000)),
};
