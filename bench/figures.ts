/** Something measured, round by round, beside what somebody would have instead. */
export interface Figure {
  what: string;
  unit: string;
  here: readonly number[];
  peer?: readonly [name: string, values: readonly number[]] | undefined;
  /** What the median has to be, of the value or of what it is of the peer's. */
  target?: readonly [of: 'value' | 'ratio', bound: 'most' | 'least', value: number] | undefined;
}

/** How much is measured: rounds of what is repeated, and what numbers of calls are multiplied by. */
export interface Scale {
  rounds: number;
  share: number;
}

/** The value that this part of them does not exceed. */
export function quantile(values: readonly number[], part = 0.5): number {
  const at = Math.min(values.length - 1, Math.floor(values.length * part));
  return values.toSorted((a, b) => a - b)[at] ?? Number.NaN;
}

/** Measures each of these once a round, in turns that move on, so that what else the machine does meets all of them. */
export async function inTurns<T>(rounds: number, runs: readonly (() => T | Promise<T>)[]): Promise<T[][]> {
  const measured = runs.map(() => [] as T[]);
  for (let round = 0; round < rounds; round++)
    for (let turn = 0; turn < runs.length; turn++) {
      const which = (round + turn) % runs.length;
      measured[which]?.push((await runs[which]?.()) as T);
    }
  return measured;
}

/** Milliseconds that something takes by the clock. */
export async function wallTime(run: () => unknown): Promise<number> {
  const start = performance.now();
  await run();
  return performance.now() - start;
}

/** A figure as cells of a table, the last of which tells whether its target is met. */
export function describe({ what, unit, here, peer, target }: Figure): string[] {
  const ratios = here.map((value, round) => value / (peer?.[1][round] ?? Number.NaN));
  const [of, bound, value = 0] = target ?? [];
  const judged = quantile(of === 'ratio' ? ratios : here);
  const met = bound === 'most' ? judged <= value : judged >= value;
  return [
    what,
    `${say(here)} ${unit}`.trim(),
    ...(peer ? [`${say(peer[1])} (${peer[0]})`, say(ratios)] : ['', '']),
    ...(target ? [`at ${bound} ${value}`, met ? 'met' : '**missed**'] : ['', '']),
  ];
}

/** The middle one, and where they differ the lowest and the highest; three figures that count. */
function say(values: readonly number[]): string {
  const [middle, low, high] = [0.5, 0, 1].map((part) => {
    const value = quantile(values, part);
    if (!Number.isFinite(value)) return 'none';
    return Math.abs(value) >= 100 || Number.isInteger(value) ? value.toFixed(0) : value.toPrecision(3);
  });
  return low === high ? `${middle}` : `${middle} (${low}–${high})`;
}
