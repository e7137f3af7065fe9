// Where an installed tool lies: <root>/<name>-<version>/<name>, the root being $HEADROUTE_TOOLS or .cache/tools (ignored by git).
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { toolNamed } from './catalog.mjs';

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
  const path = tool.kind === 'go' ? join(toolFolder(tool), tool.name) : toolFolder(tool);
  if (!existsSync(path)) {
    throw new Error(
      `${tool.name} ${tool.version} is not installed in ${toolsRoot()}: run "node scripts/install-servers.mjs ${tool.name}"`,
    );
  }
  return path;
}
