// Where an installed tool lies: <root>/<name>-<version>/<name>, the root being $HEADROUTE_TOOLS or .cache/tools (ignored by git);
// what Debian packages may be installed on the system instead.
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { toolNamed } from './catalog.mjs';
import { FONTS_FILE, librariesBelow, programBelow } from './debian.mjs';

const DEFAULT_ROOT = fileURLToPath(new URL('../../.cache/tools', import.meta.url));

export function toolsRoot() {
  const given = process.env.HEADROUTE_TOOLS;
  return given === undefined || given === '' ? DEFAULT_ROOT : resolve(given);
}

/** @param {import('./catalog.mjs').Tool} tool */
export function toolFolder(tool) {
  return join(toolsRoot(), `${tool.name}-${tool.version}`);
}

/**
 * Path of an installed program, or of the folder of a set of schemas.
 * @param {string} name as in the catalogue
 * @throws where it is not installed: a test that needs it fails and says what to run, it is never skipped.
 */
export function requireTool(name) {
  const tool = toolNamed(name);
  const path = pathOf(tool);
  if (path === null) {
    throw new Error(
      `${tool.name} ${tool.version} is not installed in ${toolsRoot()}: run "node scripts/install-servers.mjs ${tool.name}"`,
    );
  }
  return path;
}

/** @returns {string | null} null: not installed */
export function pathOf(tool) {
  if (tool.kind === 'debian') return programBelow(tool, '/') ?? programBelow(tool, toolFolder(tool));
  const path = tool.kind.startsWith('go') ? join(toolFolder(tool), tool.name) : toolFolder(tool);
  return existsSync(path) ? path : null;
}

/** What a program of `requireTool` needs in its environment. */
export function toolEnvironment(name) {
  const folder = toolFolder(toolNamed(name));
  if (!pathOf(toolNamed(name))?.startsWith(folder)) return {};
  const fontsFile = join(folder, FONTS_FILE);
  const fonts = existsSync(fontsFile) ? { FONTCONFIG_FILE: fontsFile } : {};
  return { LD_LIBRARY_PATH: librariesBelow(folder), ...fonts };
}
