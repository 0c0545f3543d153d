import { defineConfig } from 'vitest/config';

/** Each flow of a client, once more with keys in a token. */
export default defineConfig({
  test: {
    include: ['test/local/helseid/custodies.test.ts'],
    env: { HSM: '1', FULL: '1' },
    globalSetup: './test/temporary.ts',
    setupFiles: ['./test/hsm/pkcs11js.ts'],
    reporters: ['default', './test/reporter.ts'],
    experimental: { viteModuleRunner: false },
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
