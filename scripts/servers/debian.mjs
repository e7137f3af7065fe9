// Programs that Debian packages: taken from the system where they are installed, else unpacked beside the other tools. Unpacked,
// not installed: installing redis-server or postgresql would start a server on the machine of whoever runs the tests.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** Neither helpful packages nor relations that are no needs. */
const NEEDS_ONLY = ['recommends', 'suggests', 'conflicts', 'breaks', 'replaces', 'enhances'].map(
  (relation) => `--no-${relation}`,
);

/**
 * @param {import('./catalog.mjs').DebianProgram} tool
 * @param {string} root `/`, or where it was unpacked
 * @returns {string | null} path of the program
 */
export function programBelow(tool, root) {
  let found = [root];
  for (const part of tool.program.split('/')) {
    found = found.flatMap((folder) => {
      if (part !== '*') return existsSync(join(folder, part)) ? [join(folder, part)] : [];
      return readdirSync(folder)
        .sort()
        .map((name) => join(folder, name));
    });
  }
  return found.at(-1) ?? null;
}

/** Where the libraries of an unpacked program lie, as LD_LIBRARY_PATH wants them. */
export function librariesBelow(root) {
  const base = join(root, 'usr/lib');
  if (!existsSync(base)) return '';
  const folders = readdirSync(base).filter((name) => name.includes('-linux-'));
  return folders
    .map((name) => join(base, name))
    .flatMap((folder) => [folder, ...withLibraries(folder)])
    .join(':');
}

/** Debian writes it when the package is installed; without it a browser shows no letter. */
export const FONTS_FILE = 'etc/fonts/headroute.conf';

/** Plain rules instead of Debian's hundred: its generic families need a cache that only an installation makes. */
const FONTS = `<?xml version="1.0"?>
<fontconfig>
  <dir prefix="relative">../../usr/share/fonts</dir>
  <cachedir prefix="relative">../../cache</cachedir>
  <match target="pattern">
    <test qual="any" name="family"><string>monospace</string></test>
    <edit name="family" mode="assign" binding="strong"><string>Liberation Mono</string></edit>
  </match>
  <match target="pattern">
    <test qual="all" name="family" compare="not_eq"><string>Liberation Mono</string></test>
    <edit name="family" mode="append_last"><string>Liberation Sans</string></edit>
  </match>
</fontconfig>
`;

function writeFontsFile(folder) {
  const file = join(folder, FONTS_FILE);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, FONTS);
}

/** Folders right below, where some libraries look for their own by an absolute path that is not there. */
function withLibraries(folder) {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(folder, name))
    .filter((below) => readdirSync(below).some((name) => /^lib.*\.so/.test(name)));
}

/**
 * Downloads the package and what it needs that is not installed, and unpacks all of it.
 * @param {import('./catalog.mjs').DebianProgram} tool
 * @param {string} folder
 * @param {(name: string) => boolean} isInstalled
 */
export function unpackDebian(tool, folder, isInstalled = installed) {
  const work = mkdtempSync(join(tmpdir(), `headroute-${tool.name}-`));
  try {
    const download = () =>
      run('apt-get', ['download', tool.package, ...needs(tool.package, isInstalled)], work);
    try {
      download();
    } catch (error) {
      if (process.getuid() !== 0) throw new Error(`${error.message}\nrun "apt-get update" as root first`);
      // A new machine has no list of packages, an old one names files that are gone.
      run('apt-get', ['update'], work);
      download();
    }
    for (const file of readdirSync(work)) run('dpkg-deb', ['--extract', join(work, file), folder], work);
    if (existsSync(join(folder, 'usr/share/fonts'))) writeFontsFile(folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  if (programBelow(tool, folder) === null)
    throw new Error(`Debian's ${tool.package} holds no ${tool.program}`);
}

/** All that a package needs, and what that needs, as far as it is not installed; virtual packages are left out. */
function needs(name, isInstalled) {
  const tree = run('apt-cache', ['depends', '--recurse', ...NEEDS_ONLY, name], tmpdir());
  const names = tree.split('\n').filter((line) => /^[a-z0-9]/.test(line));
  return [...new Set(names)].filter((other) => other !== name && !isInstalled(other));
}

function installed(name) {
  try {
    return /^Status: install ok installed$/m.test(run('dpkg-query', ['--status', name], tmpdir()));
  } catch {
    return false;
  }
}

function run(command, args, cwd) {
  try {
    return execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    if (error.code === 'ENOENT')
      throw new Error(
        `"${command}" is not here: this is no Debian or a relative of it; install the program by hand`,
      );
    throw new Error(
      `${command} ${args.join(' ')}: ${String(error.stderr ?? '')
        .split('\n')
        .slice(-5)
        .join('\n')}`,
    );
  }
}
