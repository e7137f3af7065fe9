// Bundles src/main.ts into dist/headroute.js: one file, so that the image needs no node_modules.
import { chmodSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { build } from 'esbuild';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const out = new URL('../dist/', import.meta.url).pathname;
mkdirSync(out, { recursive: true });
// Written aside and renamed: a sidecar that starts during a build never reads half a file.
const partial = `${out}.headroute.${process.pid}.js`;
await build({
  entryPoints: [new URL('../src/main.ts', import.meta.url).pathname],
  outfile: partial,
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  format: 'esm',
  minifySyntax: true,
  legalComments: 'none',
  define: { HEADROUTE_VERSION: JSON.stringify(version) },
  // CommonJS dependencies call require(); an ESM bundle has to be given one.
  banner: {
    js: "#!/usr/bin/env node\nimport { createRequire as __createRequire } from 'node:module';\nconst require = __createRequire(import.meta.url);",
  },
  logLevel: 'warning',
});
chmodSync(partial, 0o755);
renameSync(partial, `${out}headroute.js`);
