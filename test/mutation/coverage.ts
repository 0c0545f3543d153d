import { basename } from 'node:path';
import { runJobs } from './run-jobs.ts';
import type { Mutant } from './sandbox.ts';
import type { Covered } from './setup.ts';

/** Milliseconds of tests that a mutant has to survive, beside those of the first file: the quickest first. */
const ENOUGH = 20_000;

/** What a test file comes by, and how long it takes as a whole. */
export interface FileCoverage extends Covered {
  milliseconds: number;
}

/** By test file, the quickest first. */
export type Coverage = ReadonlyMap<string, FileCoverage>;

/**
 * Runs test files without a mutant, each by itself.
 * @throws {Error} one fails
 */
export async function measureCoverage(
  folder: string,
  workers: number,
  tests: readonly string[],
): Promise<Coverage> {
  const measured: [string, FileCoverage][] = [];
  const jobs = tests.map((file) => ({ mutant: '', files: [file], limit: 300_000 }));
  await runJobs(folder, workers, jobs, ({ files: [file = ''] }, outcome) => {
    if (outcome === 'timeout' || outcome.failed !== undefined)
      throw new Error(`${file} fails without a mutant: ${outcome === 'timeout' ? outcome : outcome.failed}`);
    measured.push([file, { ...outcome.covered, milliseconds: outcome.milliseconds }]);
  });
  return new Map(measured.sort(([, one], [, other]) => one.milliseconds - other.milliseconds));
}

/** The test files that come by a mutant: that of its own file first, then the quick ones, until it is enough. */
export function coveringFiles(coverage: Coverage, { id, file }: Mutant): string[] {
  const own = `/${basename(file, '.ts')}.test.ts`;
  let spent = 0;
  return [...coverage]
    .map(([test, covered]) => ({ test, cost: costOf(covered, id), own: test.endsWith(own) }))
    .filter(({ cost }) => cost > 0)
    .sort((one, other) => Number(other.own) - Number(one.own))
    .filter(({ cost }, index) => {
      spent += cost;
      return index === 0 || spent < ENOUGH;
    })
    .map(({ test }) => test);
}

/** Whether a test file comes by a mutant outside its tests, as it loads: it has to be loaded anew for it. */
export function isLoaded(covered: Covered | undefined, mutant: string): boolean {
  return covered?.static.includes(mutant) ?? false;
}

/** Milliseconds that a mutant takes in a file which finds nothing; 0 where it does not come by. */
function costOf(covered: FileCoverage, mutant: string): number {
  if (isLoaded(covered, mutant)) return covered.milliseconds;
  const tests = Object.values(covered.tests).filter(({ mutants }) => mutants.includes(mutant));
  return tests.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
}
