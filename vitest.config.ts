import { defineConfig } from 'vitest/config';

/** The longest goes first, in a process of its own: projects take turns by their names. */
const FIRST = 'test/local/once.test.ts';

const OTHERS = [
  'test/differential/**',
  'test/interop/**',
  'test/browser/**',
  'test/fuzz/**',
  'test/package/**',
];

export default defineConfig({
  test: {
    maxWorkers: 2,
    globalSetup: './test/temporary.ts',
    setupFiles: './test/seed.ts',
    reporters: ['default', './test/reporter.ts'],
    projects: [
      {
        extends: true,
        test: { name: 'apart', include: [FIRST], testTimeout: 20_000 },
      },
      {
        extends: true,
        // The others share what they load: the CDK alone takes a second a file.
        test: {
          name: 'together',
          include: ['test/**/*.test.ts'],
          exclude: [...OTHERS, FIRST],
          isolate: false,
          testTimeout: 20_000,
        },
      },
    ],
  },
});
