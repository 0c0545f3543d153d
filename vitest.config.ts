import { readFileSync } from 'node:fs';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** What runs by itself: each has a command of its own. */
const APART = ['test/differential/**', 'test/interop/**', 'test/browser/**', 'test/package/**'];

/** Files that start processes come first: they mostly wait for them, and one that comes last has the other worker wait for it. */
class WaitingFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const waits = /startSystem\(|\bspawn\(/;
    const { first = [], then = [] } = Object.groupBy(await super.sort(files), ({ moduleId }) =>
      waits.test(readFileSync(moduleId, 'utf8')) ? 'first' : 'then',
    );
    return [...first, ...then];
  }
}

export default defineConfig({
  test: {
    maxWorkers: 2,
    globalSetup: './test/temporary.ts',
    setupFiles: './test/seed.ts',
    reporters: ['default', './test/reporter.ts'],
    include: ['test/**/*.test.ts'],
    exclude: APART,
    sequence: { sequencer: WaitingFirst },
    // Files share what they load: the CDK alone takes a second a file.
    isolate: false,
    // They make and forget much: the run takes 7 % less of the processor where young garbage has this room.
    execArgv: ['--max-semi-space-size=64'],
    // Node itself loads and strips what it runs: that is faster, and as programs and functions are run.
    experimental: { viteModuleRunner: false },
    // A machine that builds beside the tests is slow; nothing is judged by its time.
    testTimeout: 60_000,
    teardownTimeout: 60_000,
  },
});
