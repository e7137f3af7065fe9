import { defineConfig } from 'vitest/config';

/** The package as people get it: packed from a fresh copy of the repository, installed, run. `npm run test:package`. */
export default defineConfig({
  test: {
    include: ['test/package/**/*.test.ts'],
    pool: 'forks',
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
