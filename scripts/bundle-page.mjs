// How the web page of the debug port is bundled: one script and one style, which become texts of the program (src/page/assets.ts).
import { build } from 'esbuild';

/**
 * @returns {Promise<{ define: Record<string, string>, metafiles: import('esbuild').Metafile[] }>} what src/page/assets.ts is to be given by
 *   esbuild's `define`, and what that is made of
 */
export async function bundlePage() {
  const [script, style] = await Promise.all(['browser/main.ts', 'style.css'].map(bundled));
  const define = {
    HEADROUTE_PAGE_SCRIPT: JSON.stringify(script.text),
    HEADROUTE_PAGE_STYLE: JSON.stringify(style.text),
  };
  return { define, metafiles: [script.metafile, style.metafile] };
}

/** @param {string} entry below src/page */
async function bundled(entry) {
  const { outputFiles, metafile } = await build({
    absWorkingDir: new URL('..', import.meta.url).pathname,
    metafile: true,
    entryPoints: [new URL(`../src/page/${entry}`, import.meta.url).pathname],
    bundle: true,
    write: false,
    outdir: 'page',
    platform: 'browser',
    target: ['es2022', 'chrome109', 'firefox109', 'safari16'],
    format: 'iife',
    minify: true,
    legalComments: 'none',
    logLevel: 'warning',
  });
  return { text: outputFiles[0].text, metafile };
}
