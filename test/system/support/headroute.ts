import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
  /** Keys of the listener that are not the defaults. */
  readonly listener?: { readonly protocol?: 'HTTP' | 'TCP'; readonly [key: string]: unknown };
}

/** The built program, run as users run it, with one listener, by default for HTTP. */
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

  private constructor({ backends, rules, listener }: SystemConfig, ports: readonly number[]) {
    const [data, admin, debug] = ports.map((port) => `127.0.0.1:${port}`);
    this.address = data!;
    this.#admin = admin!;
    this.#folder = mkdtempSync(join(tmpdir(), 'headroute-system-'));
    const file = join(this.#folder, 'headroute.yaml');
    const document = {
      apiVersion: 'headroute.dev/v1alpha1',
      kind: 'ProxyConfig',
      backends,
      listeners: [
        {
          name: 'main',
          address: data,
          protocol: 'HTTP',
          debugHeaders: listener?.protocol !== 'TCP',
          ...listener,
          rules,
        },
      ],
      admin: { address: admin },
      debug: { address: debug },
    };
    writeFileSync(file, stringify(document));
    this.#child = new Child('headroute', process.execPath, ['dist/headroute.js', 'run', '--config', file]);
  }

  get log(): string {
    return this.#child.output;
  }

  /** Resident memory in MiB. */
  get rssMiB(): number {
    const status = readFileSync(`/proc/${this.#child.pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)![1]) / 1024;
  }

  /** Descriptors that it may open. */
  get maxOpenFiles(): number {
    const limits = readFileSync(`/proc/${this.#child.pid}/limits`, 'utf8');
    return Number(/^Max open files\s+(\d+)/m.exec(limits)![1]);
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
