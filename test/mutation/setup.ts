import { appendFileSync } from 'node:fs';
import fc from 'fast-check';
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  inject,
  type RunnerTestCase,
  type RunnerTestSuite,
} from 'vitest';

/** Ids of the mutants that a test file comes by: while it loads, and by the name of each test, with the milliseconds of that. */
export interface Covered {
  static: readonly string[];
  tests: Readonly<Record<string, { mutants: readonly string[]; milliseconds: number }>>;
}

/** Mutants that take turns in one run of a file: each test is repeated for each of its own, and once more with none. */
export interface Turns {
  /** File that {@link Sign}s are appended to, so that none is lost with a mutant that never ends. */
  log: string;
  mutants: Readonly<Record<string, readonly string[]>>;
}

/**
 * A line of a log of {@link Turns}: whose turn begins (empty: nobody's), or whose had a test fail. Such a mutant is `doubtful` if that
 * test fails without it from then on, or if it ran out of time: it has to be tried alone.
 */
export type Sign = { trying: string } | { failed: string; by: string } | { doubtful: string };

declare module 'vitest' {
  interface ProvidedContext {
    /** Id of the mutant that is switched on from the start; empty for none. */
    mutant: string;
    turns: Turns | undefined;
  }
  interface TaskMeta {
    covered?: Covered;
  }
}

/** What the instrumented code reads and writes. */
interface Switches {
  activeMutant?: string | undefined;
  currentTestId?: string;
  /** What modules remember (see sandbox.ts). */
  memories?: { clear(): void }[];
  mutantCoverage?: { static: Record<string, number>; perTest: Record<string, Record<string, number>> };
}

const world = globalThis as { __stryker__?: Switches };
world.__stryker__ ??= {};
const switches = world.__stryker__;
switches.activeMutant = inject('mutant') || undefined;

// The first failure is enough, and is the same in every run.
fc.configureGlobal({ endOnFailure: true, seed: 1 });

const turns = inject('turns');
if (turns) takeTurns(turns);
else if (!switches.activeMutant) recordCoverage();

function recordCoverage(): void {
  const began = new Map<string, number>();
  const milliseconds: Record<string, number> = {};
  beforeEach(({ task }) => {
    switches.currentTestId = task.fullTestName;
    began.set(task.fullTestName, performance.now());
  });
  afterEach(({ task: { fullTestName: name, file } }) => {
    switches.currentTestId = '';
    milliseconds[name] = (milliseconds[name] ?? 0) + performance.now() - (began.get(name) ?? 0);
    const { static: loading = {}, perTest = {} } = switches.mutantCoverage ?? {};
    const tests = Object.entries(perTest).map(([test, counts]) => [
      test,
      { mutants: Object.keys(counts), milliseconds: milliseconds[test] ?? 0 },
    ]);
    file.meta.covered = { static: Object.keys(loading), tests: Object.fromEntries(tests) };
  });
}

function takeTurns({ log, mutants }: Turns): void {
  const say = (sign: Sign) => appendFileSync(log, `${JSON.stringify(sign)}\n`);
  const found = new Set<string>();
  const schedule = new Map<RunnerTestCase, readonly string[]>();
  let last: RunnerTestCase | undefined;

  /** What came of the repetitions of the test before: the one without a mutant shows that those with one have left nothing behind. */
  const settle = () => {
    const attempts = last?.result?.attempts ?? [];
    const clean = attempts.at(-1)?.state === 'pass';
    for (const [turn, id] of (last ? (schedule.get(last) ?? []) : []).entries()) {
      const { state, errors = [] } = attempts[turn] ?? {};
      if (id === '' || state !== 'fail') continue;
      found.add(id);
      const by = errors[0]?.message ?? '';
      say(
        clean && !/timed out/i.test(by)
          ? { failed: id, by: `${last?.fullTestName}: ${by}` }
          : { doubtful: id },
      );
    }
    last = undefined;
  };
  const turnsOf = (test: RunnerTestCase) => {
    let own = schedule.get(test);
    if (!own) {
      settle();
      own = [...(mutants[test.fullTestName] ?? []).filter((id) => !found.has(id)), ''];
      schedule.set(test, own);
      last = test;
    }
    return own;
  };
  const repeatTests = (suite: RunnerTestSuite) => {
    for (const task of suite.tasks) {
      if (task.type === 'suite') repeatTests(task);
      // The runner reads it as the test begins; whose turn it is then depends on the tests before.
      else Object.defineProperty(task, 'repeats', { get: () => turnsOf(task).length - 1 });
    }
  };

  // biome-ignore lint/correctness/noEmptyPattern: the runner wants a pattern to see which fixtures are asked for.
  beforeAll(({}, suite) => repeatTests(suite as RunnerTestSuite));
  beforeEach(({ task, skip }) => {
    const own = turnsOf(task);
    if (own.length === 1) skip();
    const id = own[task.result?.repeatCount ?? 0] ?? '';
    say({ trying: id });
    for (const memory of switches.memories ?? []) memory.clear();
    switches.activeMutant = id || undefined;
  });
  afterAll(settle);
}
