import fc from 'fast-check';
import { afterEach, inject } from 'vitest';

declare module 'vitest' {
  interface ProvidedContext {
    /** Id of the mutant that is switched on; empty in the dry run. */
    mutant: string;
  }
  interface TaskMeta {
    /** Ids of the mutants that a test file has come by. */
    covered?: string[];
  }
}

/** What the instrumented code reads and writes. */
interface Switches {
  activeMutant?: string;
  mutantCoverage?: { static: Record<string, number> };
}

const world = globalThis as { __stryker__?: Switches };
world.__stryker__ ??= {};
const switches = world.__stryker__;
const mutant = inject('mutant');
if (mutant !== '') switches.activeMutant = mutant;

// The first failure is enough, and is the same in every run.
fc.configureGlobal({ endOnFailure: true, seed: 1 });

afterEach(({ task }) => {
  if (mutant === '') task.file.meta.covered = Object.keys(switches.mutantCoverage?.static ?? {});
});
