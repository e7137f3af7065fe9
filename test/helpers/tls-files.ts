import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TlsOptions } from '../../src/platform/tls/options.ts';

/** A directory of files that a `tls` names; `remove` it. */
export class TlsFiles {
  readonly directory = mkdtempSync(join(tmpdir(), 'headroute-tls-'));

  /** @returns its path */
  write(name: string, content: string | Buffer): string {
    const path = join(this.directory, name);
    writeFileSync(`${path}.new`, content);
    renameSync(`${path}.new`, path);
    return path;
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

export function tlsOptions(part: Partial<TlsOptions> = {}): TlsOptions {
  return { ca: null, cert: null, key: null, serverName: null, minVersion: '1.2', verify: 'Full', ...part };
}

/** A Secret as the kubelet mounts it: files behind `..data`, which is renamed over. */
export class Secret {
  readonly files = new TlsFiles();
  #version = 0;

  swap(content: Readonly<Record<string, string>>): void {
    const version = `..v${++this.#version}`;
    mkdirSync(this.files.path(version));
    for (const [name, text] of Object.entries(content)) this.files.write(`${version}/${name}`, text);
    symlinkSync(version, this.files.path('..next'));
    renameSync(this.files.path('..next'), this.files.path('..data'));
    if (this.#version === 1)
      for (const name of Object.keys(content)) symlinkSync(`..data/${name}`, this.files.path(name));
  }
}
