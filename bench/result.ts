/** One measured figure. */
export interface BenchResult {
  name: string;
  value: number;
  unit: 'µs' | 'ms' | 's' | '1/s' | 'bytes' | '×';
}

/** Microseconds that a call of `run` takes: of so many rounds, each of so many calls, the fastest. */
export async function fastest(rounds: number, run: () => unknown, calls = 1): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    for (let call = 0; call < calls; call++) await run();
    best = Math.min(best, ((performance.now() - start) * 1000) / calls);
  }
  return best;
}
