import { defineConfig } from 'vitest/config';

/** What runs by itself: each has a command of its own. */
const APART = ['test/differential/**', 'test/interop/**', 'test/browser/**', 'test/package/**'];

export default defineConfig({
  test: {
    maxWorkers: 2,
    globalSetup: './test/temporary.ts',
    setupFiles: './test/seed.ts',
    reporters: ['default', './test/reporter.ts'],
    include: ['test/**/*.test.ts'],
    exclude: APART,
    // Files share what they load: the CDK alone takes a second a file.
    isolate: false,
    // Node itself loads and strips what it runs: that is faster, and as programs and functions are run.
    experimental: { viteModuleRunner: false },
    // A machine that builds beside the tests is slow; nothing is judged by its time.
    testTimeout: 60_000,
    teardownTimeout: 60_000,
  },
});
