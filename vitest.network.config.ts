import { defineConfig } from 'vitest/config';

/** Tests of what happens when hosts and links are gone: in a network namespace of their own, run by `npm run test:network`. */
export default defineConfig({
  test: {
    include: ['test/network/**/*.test.ts'],
    globalSetup: ['test/helpers/build-once.ts'],
    pool: 'forks',
    testTimeout: 120_000,
    hookTimeout: 60_000,
    // Most of the time they wait.
    maxConcurrency: 20,
  },
});
