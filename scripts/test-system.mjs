// npm run test:system [-- ARGS]: installs the real servers that are missing, then runs the system tests; ARGS go to vitest.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installServers } from './install-servers.mjs';

try {
  installServers([]);
} catch (error) {
  // The tests run all the same: each one whose server is missing fails and says so.
  process.stderr.write(`${error.message}\n`);
}
const vitest = createRequire(import.meta.url).resolve('vitest/package.json');
const run = spawnSync(
  process.execPath,
  [join(dirname(vitest), 'vitest.mjs'), 'run', '-c', 'vitest.system.config.ts', ...process.argv.slice(2)],
  { cwd: fileURLToPath(new URL('..', import.meta.url)), stdio: 'inherit' },
);
process.exit(run.status ?? 1);
