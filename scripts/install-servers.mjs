// node scripts/install-servers.mjs [NAME...]   installs what is not there yet; no name: all that the system tests need.
import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CATALOG, toolNamed } from './servers/catalog.mjs';
import { unpackDebian } from './servers/debian.mjs';
import { buildGoProgram, buildOwnGoProgram } from './servers/go.mjs';
import { pathOf, toolFolder } from './servers/location.mjs';
import { writeSchemas } from './servers/schemas.mjs';

/** @param {readonly string[]} names empty: all but those that are there on request only */
export function installServers(names) {
  for (const tool of names.length === 0 ? CATALOG.filter((t) => !t.onRequest) : names.map(toolNamed))
    install(tool);
}

/** @param {import('./servers/catalog.mjs').Tool} tool */
function install(tool) {
  if (pathOf(tool) !== null) return;
  const folder = toolFolder(tool);
  const began = performance.now();
  process.stderr.write(`installing ${tool.name} ${tool.version} (the first time takes minutes) ...\n`);
  mkdirSync(dirname(folder), { recursive: true });
  // Made aside and renamed: what is there is whole, also after an interrupted build.
  const partial = mkdtempSync(join(dirname(folder), `.${tool.name}-`));
  try {
    if (tool.kind === 'go') buildGoProgram(tool, partial);
    else if (tool.kind === 'go-source') buildOwnGoProgram(tool, partial);
    else if (tool.kind === 'debian') unpackDebian(tool, partial);
    else writeSchemas(tool, partial);
    chmodSync(partial, 0o755); // servers may be run as another user
    renameSync(partial, folder);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
  const seconds = ((performance.now() - began) / 1000).toFixed(0);
  process.stderr.write(`installed ${tool.name} ${tool.version} in ${seconds} s: ${folder}\n`);
}

if (import.meta.filename === process.argv[1]) {
  try {
    installServers(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
}
