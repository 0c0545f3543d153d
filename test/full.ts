/** Whether everything runs, as in `.ci/nightly`; else the long properties and tables run a tenth. Nothing else reads the variable. */
export const FULL = process.env['FULL'] === '1';

/** How often a property runs that runs `runs` times in full. */
export function full(runs: number): number {
  return FULL ? runs : Math.ceil(runs / 10);
}

/** The cases of a table that is long because it repeats one thing: all, or the first of every so many. */
export function sampled<Case>(cases: readonly Case[], every = 10): readonly Case[] {
  return FULL ? cases : cases.filter((_, index) => index % every === 0);
}

/** Years of rotation that test/rotation lives through: in `npm test`, in full, and as `.ci/nightly` asks for. */
export const YEARS = { quick: 3, full: 200, nightly: 10_000 } as const;
