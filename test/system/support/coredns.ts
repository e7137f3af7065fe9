import { Resolver } from 'node:dns/promises';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requireTool } from '../../../scripts/servers/location.mjs';
import { Child } from './child.ts';
import { eventually } from './eventually.ts';
import { freePorts } from './ports.ts';
import { type HeadlessService, masterFiles } from './zone.ts';

/** A real CoreDNS that serves one headless Service from master files. */
export class CoreDns {
  readonly address: string;
  readonly #folder: string;
  readonly #child: Child;
  #serial = 1;

  static async start(service: HeadlessService): Promise<CoreDns> {
    const [port] = await freePorts(1);
    const dns = new CoreDns(port!, service);
    const resolver = new Resolver({ timeout: 200, tries: 1 });
    resolver.setServers([dns.address]);
    await eventually(async () => {
      dns.#child.assertRunning();
      return (await resolver.resolveTxt('dns-version.cluster.local')).flat().includes('1.1.0');
    }, 'CoreDNS answers');
    return dns;
  }

  private constructor(port: number, service: HeadlessService) {
    const binary = requireTool('coredns');
    this.#folder = mkdtempSync(join(tmpdir(), 'headroute-coredns-'));
    this.address = `127.0.0.1:${port}`;
    const zones = Object.keys(this.publish(service));
    const blocks = zones.map(
      (zone) =>
        `${zone}:${port} {\n  bind 127.0.0.1\n  file ${join(this.#folder, zone)} {\n    reload 100ms\n  }\n  errors\n}\n`,
    );
    writeFileSync(join(this.#folder, 'Corefile'), blocks.join(''));
    this.#child = new Child('coredns', binary, ['-conf', join(this.#folder, 'Corefile')]);
  }

  /** Replaces the records; CoreDNS sees the change within some 100 ms. */
  publish(service: HeadlessService): Record<string, string> {
    const files = masterFiles(service, this.#serial++);
    for (const [zone, text] of Object.entries(files)) {
      // By rename: it never reads half a file.
      writeFileSync(join(this.#folder, `${zone}.new`), text);
      renameSync(join(this.#folder, `${zone}.new`), join(this.#folder, zone));
    }
    return files;
  }

  /** Ends it; what it served is gone too. */
  async stop(): Promise<void> {
    await this.#child.end('SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
