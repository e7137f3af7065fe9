import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requireTool } from '../../../scripts/servers/location.mjs';
import { Child } from './child.ts';
import { eventually } from './eventually.ts';
import { samples, scrape } from './metrics.ts';
import { freePorts } from './ports.ts';

export interface EtcdMember {
  readonly name: string;
  readonly host: string;
}

/** uint64s are decimal strings in etcd's JSON. */
interface Status {
  readonly header: { readonly member_id: string };
  /** Absent while there is no leader. */
  readonly leader?: string;
}

/** A real etcd of three members, each on a loopback address of its own, as three Pods would be. */
export class EtcdCluster {
  readonly members: readonly EtcdMember[];
  readonly clientPort: number;
  readonly #peerPort: number;
  readonly #folder = mkdtempSync(join(tmpdir(), 'headroute-etcd-'));
  readonly #children = new Map<string, Child>();

  static async start(hosts: readonly string[]): Promise<EtcdCluster> {
    const [clientPort, peerPort] = await freePorts(2, hosts);
    const cluster = new EtcdCluster(hosts, clientPort!, peerPort!);
    for (const { name } of cluster.members) cluster.run(name);
    await Promise.all(cluster.members.map(({ name }) => cluster.healthy(name)));
    return cluster;
  }

  private constructor(hosts: readonly string[], clientPort: number, peerPort: number) {
    this.members = hosts.map((host, n) => ({ name: `etcd-${n}`, host }));
    this.clientPort = clientPort;
    this.#peerPort = peerPort;
  }

  /** host:port that clients of this member talk to. */
  address(name: string): string {
    return `${this.#host(name)}:${this.clientPort}`;
  }

  /** Starts a member, the first time or with the data that it had. */
  run(name: string): void {
    const peer = (host: string) => `http://${host}:${this.#peerPort}`;
    const client = `http://${this.address(name)}`;
    const own = peer(this.#host(name));
    const args = [
      ['--name', name],
      ['--data-dir', join(this.#folder, name)],
      ['--listen-client-urls', client],
      ['--advertise-client-urls', client],
      ['--listen-peer-urls', own],
      ['--initial-advertise-peer-urls', own],
      ['--initial-cluster', this.members.map((m) => `${m.name}=${peer(m.host)}`).join()],
      ['--log-level', 'error'],
      // A killed process loses nothing that the kernel has; a slow disk would elect leaders of its own accord.
      ['--unsafe-no-fsync'],
    ];
    this.#children.set(name, new Child(name, requireTool('etcd'), args.flat()));
  }

  async healthy(name: string): Promise<void> {
    await eventually(async () => {
      this.#child(name).assertRunning();
      return (await fetch(`http://${this.address(name)}/health`)).status === 200;
    }, `${name} is healthy`);
  }

  async kill(name: string): Promise<void> {
    await this.#child(name).end('SIGKILL');
  }

  /** The one member that says itself that it leads. */
  async leader(): Promise<string> {
    return eventually(async () => {
      const claims = await Promise.all(this.members.map(({ name }) => this.#claims(name)));
      const leaders = this.members.filter((_, n) => claims[n]);
      return leaders.length === 1 && leaders[0]?.name;
    }, 'one member leads');
  }

  async #claims(name: string): Promise<boolean> {
    try {
      const answer = await fetch(`http://${this.address(name)}/v3/maintenance/status`, {
        method: 'POST',
        body: '{}',
      });
      const { header, leader } = (await answer.json()) as Status;
      return leader === header.member_id;
    } catch {
      return false; // not running
    }
  }

  /** Writes that this member was asked for since it started, as it counts them itself (whether or not it leads). */
  async putsReceived(name: string): Promise<number> {
    const counted = samples(await scrape(this.address(name)), 'grpc_server_started_total');
    return counted.find(({ labels }) => labels.grpc_method === 'Put')?.value ?? 0;
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#children.values()].map((child) => child.end('SIGKILL')));
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #host(name: string): string {
    return this.members.find((member) => member.name === name)!.host;
  }

  #child(name: string): Child {
    const child = this.#children.get(name);
    if (child === undefined) throw new Error(`${name} was never started`);
    return child;
  }
}
