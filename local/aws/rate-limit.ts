/** Whether one more request fits now. */
type RateLimit = () => boolean;

/** A token bucket: `perSecond` requests, `burst` at once at most. `now` is in epoch milliseconds. */
export function createRateLimit(perSecond: number, now: () => number, burst = perSecond): RateLimit {
  let tokens = burst;
  let filled = now();
  return () => {
    const time = now();
    tokens = Math.min(burst, tokens + ((time - filled) * perSecond) / 1000);
    filled = time;
    if (tokens < 1) return false;
    tokens -= 1;
    return true;
  };
}
