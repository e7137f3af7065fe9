import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** Versions of Node.js that the package is tried with. */
export const MAJORS = [20, 22, 24];

/** How long the registry may take for one. */
const INSTALL_MS = 90_000;

/**
 * A Node.js of a major version: the one that runs this, else one from the registry, kept in `.cache/node`; null where none can be had,
 * as without a network.
 */
export function nodeOf(major: number): string | null {
  if (process.versions.node.startsWith(`${major}.`)) return process.execPath;
  const folder = resolve('.cache/node', String(major));
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
  const program = join(folder, 'node_modules', name, 'bin', 'node');
  if (existsSync(program)) return runs(program);
  mkdirSync(folder, { recursive: true });
  const args = [
    'install',
    '--prefix',
    folder,
    '--ignore-scripts',
    '--no-save',
    '--no-package-lock',
    `${name}@${major}`,
  ];
  spawnSync('npm', args, { stdio: 'ignore', timeout: INSTALL_MS });
  return existsSync(program) ? runs(program) : null;
}

function runs(program: string): string | null {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' });
    return program;
  } catch {
    return null;
  }
}
