// How the program is bundled: for dist/, and for builds with a deliberate bug that tests must catch.
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { build } from 'esbuild';
import { bundlePage } from './bundle-page.mjs';

/**
 * Bundles the program into a folder: headroute.js, a few lines that take the signals, and headroute-main.js, all the rest, so
 * that the image needs no node_modules.
 *
 * @param {string} out
 * @param {import('esbuild').Plugin[]} [plugins]
 * @returns {Promise<import('esbuild').Metafile[]>} what it is made of; paths start at the repository
 */
export async function bundleProgram(out, plugins = []) {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  mkdirSync(out, { recursive: true });
  // Written aside and renamed: a sidecar that starts during a build never reads half a file.
  const partial = mkdtempSync(`${out}/.build-`);
  try {
    const page = await bundlePage();
    const { metafile } = await build({
      absWorkingDir: new URL('..', import.meta.url).pathname,
      metafile: true,
      entryPoints: [new URL('../src/headroute.ts', import.meta.url).pathname],
      outdir: partial,
      bundle: true,
      splitting: true,
      chunkNames: 'headroute-[name]',
      platform: 'node',
      target: 'node20.19',
      format: 'esm',
      minifySyntax: true,
      legalComments: 'none',
      define: { HEADROUTE_VERSION: JSON.stringify(version), ...page.define },
      // CommonJS dependencies call require(); an ESM bundle has to be given one.
      banner: {
        js: "#!/usr/bin/env node\nimport { createRequire as __createRequire } from 'node:module';\nconst require = __createRequire(import.meta.url);",
      },
      logLevel: 'warning',
      plugins,
    });
    chmodSync(`${partial}/headroute.js`, 0o755);
    for (const file of readdirSync(partial).sort()) renameSync(`${partial}/${file}`, `${out}/${file}`);
    return [metafile, ...page.metafiles];
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}
