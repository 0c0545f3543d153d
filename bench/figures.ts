/** Several measurements of one thing: the middle one, the lowest and the highest. */
export interface Spread {
  median: number;
  low: number;
  high: number;
}

/** What a figure has to be; one that is not is printed as missed. */
export interface Target {
  /** The value itself, or what it is of the peer's (default where there is a peer). */
  of?: 'value' | 'ratio';
  most?: number;
  least?: number;
}

/** One measured thing, beside what somebody would have instead, measured in the same run. */
export interface Figure {
  what: string;
  unit: 'µs' | 'ms' | '1/s' | 'kB' | '%' | '×' | '';
  value: Spread;
  peer?: { name: string; value: Spread };
  /** What `value` is of the peer's, round by round. */
  ratio?: Spread;
  target?: Target;
}

/** What a part of the bench gives: figures, and what could not be measured here. */
export interface Part {
  figures: Figure[];
  notes?: string[];
}

/** How much is measured. */
export interface Scale {
  /** Rounds of whatever is repeated. */
  rounds: number;
  /** What numbers of calls are multiplied by. */
  share: number;
}

/** The spread of some measurements. */
export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  return { median: quantile(sorted, 0.5), low: sorted[0] ?? Number.NaN, high: sorted.at(-1) ?? Number.NaN };
}

/** The value that this part of them does not exceed. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

/** Measures each of these once a round, in turns that move on, so that what else the machine does meets all of them. */
export async function inTurns<Name extends string>(
  rounds: number,
  runs: Readonly<Record<Name, () => number | Promise<number>>>,
): Promise<Record<Name, number[]>> {
  const names = Object.keys(runs) as Name[];
  const measured = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>;
  for (let round = 0; round < rounds; round++)
    for (let turn = 0; turn < names.length; turn++) {
      const name = names[(round + turn) % names.length] as Name;
      measured[name].push(await runs[name]());
    }
  return measured;
}

/** A figure without a peer. */
export function alone(
  what: string,
  unit: Figure['unit'],
  values: readonly number[],
  target?: Target,
): Figure {
  return { what, unit, value: spread(values), ...(target ? { target } : {}) };
}

/** A figure beside a peer's of the same rounds. */
export function beside(
  what: string,
  unit: Figure['unit'],
  values: readonly number[],
  [name, others]: readonly [name: string, values: readonly number[]],
  target?: Target,
): Figure {
  const ratio = spread(values.map((value, round) => value / (others[round] ?? Number.NaN)));
  return { ...alone(what, unit, values, target), peer: { name, value: spread(others) }, ratio };
}

/** Microseconds of processor time that a call takes, of so many in a row. */
export async function cpuTime(calls: number, run: () => unknown): Promise<number> {
  const start = process.cpuUsage();
  for (let call = 0; call < calls; call++) await run();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / calls;
}

/** Milliseconds that something takes by the clock. */
export async function wallTime(run: () => unknown): Promise<number> {
  const start = performance.now();
  await run();
  return performance.now() - start;
}

/** Whether a figure is what it has to be; nothing where nothing is asked of it. */
export function isMet({ value, ratio, target }: Figure): boolean | undefined {
  if (target === undefined) return undefined;
  const { most = Number.POSITIVE_INFINITY, least = Number.NEGATIVE_INFINITY, of } = target;
  const { median } = of === 'value' ? value : (ratio ?? value);
  return median <= most && median >= least;
}
