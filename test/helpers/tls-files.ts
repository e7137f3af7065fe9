import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
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
