import { defineConfig } from 'vitest/config';

/** Tests in a real browser, apart from the others: they start the whole local system and need a Chromium. */
export default defineConfig({
  test: {
    include: ['test/browser/**/*.test.ts'],
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 180_000,
    reporters: ['default', './test/reporter.ts'],
  },
});
