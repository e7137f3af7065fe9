// npm run chaos [-- OPTIONS]: builds the program and the harness, then runs it (main.ts says which options there are).
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { bundleProgram } from '../../scripts/bundle.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const here = fileURLToPath(new URL('.', import.meta.url));
const chaos = `${root}.cache/chaos`;
// A folder of its own: two runs may go side by side. What a run leaves (its logs) goes with the second run after it.
mkdirSync(chaos, { recursive: true });
const isOld = (name) =>
  name.startsWith('run-') && Date.now() - statSync(`${chaos}/${name}`).mtimeMs > 7_200_000;
for (const name of readdirSync(chaos).filter(isOld)) rmSync(`${chaos}/${name}`, { recursive: true });
const folder = `${chaos}/run-${process.pid}`;
const { devDependencies } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));
await Promise.all([
  bundleProgram(`${folder}/headroute`),
  build({
    entryPoints: {
      main: `${here}main.ts`,
      pod: `${here}pod/main.ts`,
      hooks: `${here}cluster/sidecar-hooks.ts`,
    },
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    target: 'node20.19',
    format: 'esm',
    sourcemap: 'inline',
    external: Object.keys(devDependencies),
    logLevel: 'warning',
  }),
]);
const run = spawnSync(
  process.execPath,
  ['--enable-source-maps', `${folder}/main.mjs`, ...process.argv.slice(2)],
  { cwd: root, stdio: 'inherit' },
);
process.exit(run.status ?? 1);
