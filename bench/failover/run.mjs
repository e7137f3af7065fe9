// npm run bench:failover: what clients see of a failover through headroute and through HAProxy, both in one run (docs/performance.md).
//   --rounds N     rounds of each scenario and proxy; default: the scenario's own, 10 in most
//   --only A,B     only these scenarios
//   --quick        one round of each, and nothing is written
//   --out DIR      default bench/results; scenarios that are not run keep what was measured before
// Builds the program and the benchmark, and installs the servers that are missing.
import { spawn } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { bundleProgram } from '../../scripts/bundle.mjs';
import { installServers } from '../../scripts/install-servers.mjs';
import { toolsRoot } from '../../scripts/servers/location.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
// A folder of its own: two runs may go side by side.
const folder = `${root}.cache/failover/run-${process.pid}`;
mkdirSync(folder, { recursive: true });
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

await bundleProgram(`${root}dist`);
await build({
  entryPoints: [fileURLToPath(new URL('main.ts', import.meta.url))],
  outfile: `${folder}/main.mjs`,
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  format: 'esm',
  sourcemap: 'inline',
  packages: 'external',
  logLevel: 'warning',
});
installServers(['raft-store', 'etcd', 'haproxy', 'redis-server', 'postgres', 'patroni']);

// The bundle lies elsewhere than its sources, which look for the tools beside themselves.
const env = { ...process.env, HEADROUTE_TOOLS: toolsRoot() };
const args = ['--enable-source-maps', `${folder}/main.mjs`, ...process.argv.slice(2)];
const run = spawn(process.execPath, args, { cwd: root, stdio: 'inherit', env });
// It ends what it started, and so must not be left behind.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => run.kill(signal));
run.on('exit', (status) => process.exit(status ?? 1));
