// npm run chaos [-- OPTIONS]: builds the program and the harness, then runs it (main.ts says which options there are).
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { bundleProgram } from '../../scripts/bundle.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const bin = `${root}.cache/chaos/bin`;
rmSync(bin, { recursive: true, force: true });
const here = fileURLToPath(new URL('.', import.meta.url));
const { devDependencies, dependencies } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));
await Promise.all([
  bundleProgram(`${bin}/headroute`),
  build({
    entryPoints: {
      main: `${here}main.ts`,
      pod: `${here}pod/main.ts`,
      hooks: `${here}cluster/sidecar-hooks.ts`,
    },
    outdir: bin,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    target: 'node20.19',
    format: 'esm',
    sourcemap: 'inline',
    external: [...Object.keys(devDependencies), ...Object.keys(dependencies)],
    logLevel: 'warning',
  }),
]);
const run = spawnSync(
  process.execPath,
  ['--enable-source-maps', `${bin}/main.mjs`, ...process.argv.slice(2)],
  { cwd: root, stdio: 'inherit' },
);
process.exit(run.status ?? 1);
