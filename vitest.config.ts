import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/differential/**', 'test/browser/**', 'node_modules/**'],
    pool: 'threads',
    maxWorkers: 2,
    testTimeout: 20_000,
    reporters: ['default', './test/reporter.ts'],
    coverage: { include: ['client/**', 'functions/**', 'infra/**', 'local/**'] },
  },
});
