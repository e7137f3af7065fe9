import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { Child } from './child.ts';
import { eventually } from './eventually.ts';
import { type Sample, samples, scrape } from './metrics.ts';
import { freePorts } from './ports.ts';

/** Of the configuration of SPEC 2 what a test gives; addresses are filled in. */
export interface SystemConfig {
  readonly backends: readonly object[];
  readonly rules: readonly object[];
}

/** The built program, run as users run it, with one HTTP listener. */
export class Headroute {
  /** host:port of the listener. */
  readonly address: string;
  readonly #admin: string;
  readonly #folder: string;
  readonly #child: Child;

  static async start(config: SystemConfig): Promise<Headroute> {
    const headroute = new Headroute(config, await freePorts(3));
    await eventually(async () => {
      headroute.#child.assertRunning();
      return (await fetch(`http://${headroute.#admin}/readyz`)).status === 200;
    }, 'headroute is ready');
    return headroute;
  }

  private constructor({ backends, rules }: SystemConfig, ports: readonly number[]) {
    const [data, admin, debug] = ports.map((port) => `127.0.0.1:${port}`);
    this.address = data!;
    this.#admin = admin!;
    this.#folder = mkdtempSync(join(tmpdir(), 'headroute-system-'));
    const file = join(this.#folder, 'headroute.yaml');
    const document = {
      apiVersion: 'headroute.dev/v1alpha1',
      kind: 'ProxyConfig',
      backends,
      listeners: [{ name: 'main', address: data, protocol: 'HTTP', debugHeaders: true, rules }],
      admin: { address: admin },
      debug: { address: debug },
    };
    writeFileSync(file, stringify(document));
    this.#child = new Child('headroute', process.execPath, ['dist/headroute.js', 'run', '--config', file]);
  }

  get log(): string {
    return this.#child.output;
  }

  async samples(name: string): Promise<Sample[]> {
    this.#child.assertRunning();
    return samples(await scrape(this.#admin), name);
  }

  /** Names of the Pods that headroute holds for ready, sorted. */
  async readyPods(): Promise<string[]> {
    const found = await this.samples('headroute_pod_ready');
    return found.flatMap(({ labels, value }) => (value === 1 ? [labels.pod!] : [])).sort();
  }

  /** Name of the Pod that headroute holds for the leader. */
  async leader(): Promise<string | undefined> {
    const found = await this.samples('headroute_pod_leader');
    return found.find(({ value }) => value === 1)?.labels.pod;
  }

  /** Ends it as the kubelet does; its exit status. */
  async stop(): Promise<number | null> {
    const status = await this.#child.end('SIGTERM');
    rmSync(this.#folder, { recursive: true, force: true });
    return status;
  }
}
