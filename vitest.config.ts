import { defineConfig } from 'vitest/config';

/** Tests that change what a whole process has (the certificates it trusts, functions and listeners it runs) get one each. */
const OWN_PROCESS = [
  'test/local/once.test.ts',
  'test/local/patterns.test.ts',
  'test/functions/authorizer/bundle.test.ts',
  'test/functions/login/deployed.test.ts',
];

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
        test: { name: 'apart', include: OWN_PROCESS, testTimeout: 20_000 },
      },
      {
        extends: true,
        // The others share what they load: the CDK alone takes a second a file.
        test: {
          name: 'together',
          include: ['test/**/*.test.ts'],
          exclude: [...OTHERS, ...OWN_PROCESS],
          isolate: false,
          testTimeout: 20_000,
        },
      },
    ],
  },
});
