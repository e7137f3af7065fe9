import { defineConfig } from 'vitest/config';

/**
 * What holds of the wire without TLS holds with it: the same stories with Pods that speak TLS (test/helpers/pod-wire.ts), run by
 * `npm run test:tls`. Left out is what has servers of its own, and what measures this process with both ends of TLS in it.
 */
export default defineConfig({
  test: {
    include: [
      'test/hazards/**/*.test.ts',
      'test/data/tcp/**/*.test.ts',
      'test/data/reload/**/*.test.ts',
      'test/data/exchange/contract.test.ts',
    ],
    exclude: [
      'test/hazards/{crowds,websocket,poisoned,forwarded}.test.ts',
      'test/hazards/{fan-out-stalls,hold-order,costly-*,read-ahead}.test.ts',
    ],
    env: { HEADROUTE_WIRE: 'tls' },
    globalSetup: ['test/helpers/build-once.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
