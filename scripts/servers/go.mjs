// Builds a pinned program from the Go module proxy. `go install module@version` refuses modules with replace directives (etcd),
// so each program is built as a tool dependency of a throw-away module: replace directives of dependencies do not count there.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** GOFLAGS of the machine might forbid module downloads (-mod=vendor); a workspace file above the folder might add modules. */
const ENVIRONMENT = { GOFLAGS: '', GOWORK: 'off', CGO_ENABLED: '0' };

/**
 * @param {readonly string[]} args
 * @param {{ cwd: string, quiet?: boolean }} options
 * @returns {string} stdout
 */
export function go(args, { cwd }) {
  try {
    return execFileSync('go', args, {
      cwd,
      encoding: 'utf8',
      env: { ...process.env, ...ENVIRONMENT },
      maxBuffer: 64 * 1024 * 1024,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  } catch (error) {
    if (error.code === 'ENOENT') {
      throw new Error(
        'Go is needed to build the servers of the system tests, and no "go" is on the PATH: install Go 1.24 or newer (https://go.dev/dl/; a newer one that a server wants is fetched by Go itself)',
      );
    }
    // `go build` says little or nothing on stdout and what went wrong on stderr, after many lines of downloads.
    const said = String(error.stderr ?? '')
      .split('\n')
      .filter((line) => !line.startsWith('go: downloading'));
    throw new Error(`go ${args.join(' ')}: ${said.slice(-20).join('\n')}`);
  }
}

const FLAGS = ['-trimpath', '-buildvcs=false', '-ldflags', '-s -w'];

/**
 * @param {import('./catalog.mjs').OwnGoProgram} tool
 * @param {string} folder receives the program, named as the tool
 */
export function buildOwnGoProgram(tool, folder) {
  const source = fileURLToPath(new URL(`../../${tool.source}`, import.meta.url));
  // Read-only: what is built is what go.mod and go.sum pin.
  go(['build', '-mod=readonly', ...FLAGS, '-o', join(folder, tool.name), '.'], { cwd: source });
}

/**
 * @param {import('./catalog.mjs').GoProgram} tool
 * @param {string} folder receives the program, named as the tool
 */
export function buildGoProgram(tool, folder) {
  const work = mkdtempSync(join(tmpdir(), `headroute-${tool.name}-`));
  try {
    writeFileSync(join(work, 'go.mod'), 'module headroute.dev/system-test-tool\n\ngo 1.24.0\n');
    let target = tool.package ?? tool.module;
    if (tool.main === undefined) {
      go(['get', '-tool', `${target}@v${tool.version}`], { cwd: work });
    } else {
      writeFileSync(join(work, 'main.go'), tool.main);
      go(['get', `${tool.module}@v${tool.version}`], { cwd: work });
      go(['mod', 'tidy'], { cwd: work });
      target = '.';
    }
    go(['build', ...FLAGS, '-o', join(folder, tool.name), target], { cwd: work });
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/**
 * Unpacks a module's files (not its dependencies') into Go's module cache.
 * @param {string} module
 * @param {string} version without the leading v
 * @returns {string} folder with the module's files, read-only
 */
export function moduleFiles(module, version) {
  const work = mkdtempSync(join(tmpdir(), 'headroute-module-'));
  try {
    return JSON.parse(go(['mod', 'download', '-json', `${module}@v${version}`], { cwd: work })).Dir;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
