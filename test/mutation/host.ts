/**
 * A process that runs test files of the sandbox (its working directory): with one mutant switched on, with none in the dry run, or one
 * file with many that take turns.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { createVitest, type TestSpecification } from 'vitest/node';
import type { Covered, Turns } from './setup.ts';

/** Test files to run, in this order, until one fails. */
export interface Job {
  /** Empty: none. */
  mutant: string;
  files: readonly string[];
  /** Of mutants in one file: what comes of them is in its log. */
  turns?: Turns;
}

/** What came of a {@link Job}. */
export interface Outcome {
  /** The first test or error that failed. */
  failed?: string;
  /** What the first file comes by; in the dry run only. */
  covered: Covered;
  milliseconds: number;
}

let order: readonly string[] = [];

class InOrder {
  shard(files: TestSpecification[]): TestSpecification[] {
    return files;
  }

  sort(files: TestSpecification[]): TestSpecification[] {
    return files.toSorted((one, other) => order.indexOf(one.moduleId) - order.indexOf(other.moduleId));
  }
}

// Without isolation the files of one run share what they load, as in `npm test`; every run begins in a worker of its own.
const vitest = await createVitest('test', {
  root: process.cwd(),
  config: false,
  watch: false,
  include: ['test/**/*.test.ts'],
  setupFiles: ['test/mutation/setup.ts'],
  pool: 'threads',
  isolate: false,
  maxWorkers: 1,
  // With turns, a failure is not the end; and a test that hangs is tried alone later.
  bail: process.argv.includes('--turns') ? 0 : 1,
  testTimeout: process.argv.includes('--turns') ? 20_000 : 120_000,
  reporters: [{}],
  sequence: { sequencer: InOrder },
});
const specifications = new Map((await vitest.globTestSpecifications()).map((each) => [each.moduleId, each]));

async function run({ mutant, files, turns }: Job): Promise<Outcome> {
  order = files.map((file) => resolve(file));
  const chosen = order.flatMap((file) => specifications.get(file) ?? []);
  if (chosen.length !== files.length) throw new Error(`Not all are test files: ${files.join(', ')}`);
  vitest.provide('mutant', mutant);
  vitest.provide('turns', turns);
  // It keeps what earlier runs brought, and would give it for this one's.
  vitest.state.filesMap.clear();
  // What a run synthesizes is shared by its tests, and by no run with another mutant or of another copy.
  const folder = mkdtempSync(resolve('temporary-'));
  Object.assign(process.env, { TMPDIR: folder, TEMP: folder });
  const began = performance.now();
  const { testModules, unhandledErrors } = await vitest.runTestSpecifications(chosen);
  rmSync(folder, { recursive: true, force: true });
  const milliseconds = performance.now() - began;
  const covered = testModules[0]?.meta().covered ?? { static: [], tests: {} };
  if (turns) {
    const error = testModules[0]?.errors()[0];
    if (error) throw new Error(`${files[0]} can't take turns: ${error.message}`);
    return { covered, milliseconds };
  }
  const module = testModules.find((each) => each.state() === 'failed');
  if (module || unhandledErrors.length > 0) {
    const test = module?.children.allTests('failed').next().value;
    const error = test?.result().errors?.[0] ?? module?.errors()[0] ?? unhandledErrors[0];
    const failed = `${test?.fullName ?? module?.relativeModuleId}: ${Object(error).message}`;
    return { failed, covered, milliseconds };
  }
  const passed = testModules.filter((each) => each.state() === 'passed').map(({ moduleId }) => moduleId);
  if (!order.every((file) => passed.includes(file)))
    throw new Error(`Not every test file ran: ${files.join(', ')}`);
  return { covered, milliseconds };
}

process.on('message', async (job: Job) => process.send?.(await run(job)));
process.on('disconnect', () => process.exit());
process.send?.('ready');
