// How the web page of the debug port is bundled: one script and one style, which become texts of the program (src/page/assets.ts).
import { build } from 'esbuild';

/** @returns {Promise<Record<string, string>>} what src/page/assets.ts is to be given by esbuild's `define` */
export async function bundlePage() {
  const [script, style] = await Promise.all(['browser/main.ts', 'style.css'].map(bundled));
  return { HEADROUTE_PAGE_SCRIPT: JSON.stringify(script), HEADROUTE_PAGE_STYLE: JSON.stringify(style) };
}

/** @param {string} entry below src/page */
async function bundled(entry) {
  const { outputFiles } = await build({
    entryPoints: [new URL(`../src/page/${entry}`, import.meta.url).pathname],
    bundle: true,
    write: false,
    platform: 'browser',
    target: ['es2022', 'chrome109', 'firefox109', 'safari16'],
    format: 'iife',
    minify: true,
    legalComments: 'none',
    logLevel: 'warning',
  });
  return outputFiles[0].text;
}
