/** One measured figure. */
export interface BenchResult {
  name: string;
  value: number;
  unit: 'µs' | 'ms' | 's' | '1/s' | 'bytes' | '×';
}

/** The shortest of `rounds` times that `run` takes, in microseconds. Synchronous work only. */
export function fastest(rounds: number, run: () => void): number {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    run();
    best = Math.min(best, (performance.now() - start) * 1000);
  }
  return best;
}
