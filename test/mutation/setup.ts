import fc from 'fast-check';
import { afterEach, beforeEach, inject } from 'vitest';

/** Ids of the mutants that a test file comes by: while it loads, and by the name of each test. */
export interface Covered {
  static: readonly string[];
  tests: Readonly<Record<string, readonly string[]>>;
}

declare module 'vitest' {
  interface ProvidedContext {
    /** Id of the mutant that is switched on; empty in the dry run. */
    mutant: string;
    /** Names of the tests that come by it, by file; a file that is not here runs whole. */
    only: Readonly<Record<string, readonly string[]>>;
  }
  interface TaskMeta {
    covered?: Covered;
  }
}

/** What the instrumented code reads and writes. */
interface Switches {
  activeMutant?: string;
  currentTestId?: string;
  mutantCoverage?: { static: Record<string, number>; perTest: Record<string, Record<string, number>> };
}

const world = globalThis as { __stryker__?: Switches };
world.__stryker__ ??= {};
const switches = world.__stryker__;
const mutant = inject('mutant');
if (mutant !== '') switches.activeMutant = mutant;

// The first failure is enough, and is the same in every run.
fc.configureGlobal({ endOnFailure: true, seed: 1 });

beforeEach(({ task, skip }) => {
  const only = inject('only')[task.file.filepath];
  if (only && !only.includes(task.fullTestName)) skip();
  switches.currentTestId = task.fullTestName;
});

afterEach(({ task }) => {
  switches.currentTestId = '';
  const { static: loading = {}, perTest = {} } = switches.mutantCoverage ?? {};
  const tests = Object.entries(perTest).map(([name, counts]) => [name, Object.keys(counts)]);
  if (mutant === '')
    task.file.meta.covered = { static: Object.keys(loading), tests: Object.fromEntries(tests) };
});
