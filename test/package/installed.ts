import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

/** The package in an empty directory, from the tarball of a copy of the repository that was never built. */
export class Installed {
  readonly root = mkdtempSync(join(tmpdir(), 'headroute-package-'));
  /** Paths in the tarball, without their first folder. */
  readonly files: readonly string[];
  readonly tarballBytes: number;
  /** Where it is installed. */
  readonly folder: string;

  constructor() {
    const clone = join(this.root, 'clone');
    for (const file of tracked()) {
      mkdirSync(dirname(join(clone, file)), { recursive: true });
      cpSync(file, join(clone, file));
    }
    symlinkSync(resolve('node_modules'), join(clone, 'node_modules'));
    const [packed] = JSON.parse(npm(['pack', '--json', '--pack-destination', this.root], clone));
    this.files = packed.files.map(({ path }: { path: string }) => path).sort();
    this.tarballBytes = packed.size;
    this.folder = join(this.root, 'empty');
    mkdirSync(this.folder);
    npm(['init', '--yes'], this.folder);
    npm(['install', '--offline', join(this.root, packed.filename)], this.folder);
  }

  /** What is below the package's folder. */
  read(file: string): string {
    return readFileSync(join(this.folder, 'node_modules/headroute', file), 'utf8');
  }

  write(name: string, text: string): string {
    const file = join(this.folder, name);
    writeFileSync(file, text);
    return file;
  }

  dispose(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** Runs npm as somebody does who has just cloned, or installs. @returns its output */
export function npm(args: readonly string[], folder: string): string {
  return execFileSync('npm', args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
}

/** Files of the repository as it is now, without what git ignores. */
function tracked(): string[] {
  const list = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    encoding: 'utf8',
  });
  return list.split('\0').filter((file) => file !== '');
}
