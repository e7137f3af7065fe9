import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requireTool } from '../../../scripts/servers/location.mjs';
import { Child } from '../../../test/system/support/child.ts';
import { eventually } from '../../../test/system/support/eventually.ts';
import { freePorts } from '../../../test/system/support/ports.ts';
import { HttpConnection } from '../clients/http.ts';

export interface RaftNode {
  readonly name: string;
  readonly host: string;
}

/** Three nodes of the Raft store (raft-store/main.go), each on an address of its own. */
export class RaftCluster {
  readonly nodes: readonly RaftNode[];
  readonly port: number;
  readonly #raftPort: number;
  readonly #folder = mkdtempSync(join(tmpdir(), 'headroute-raft-'));
  readonly #children = new Map<string, Child>();
  readonly #connections = new Map<string, HttpConnection>();

  static async start(hosts: readonly string[]): Promise<RaftCluster> {
    const [port, raftPort] = await freePorts(2, hosts);
    const cluster = new RaftCluster(hosts, port!, raftPort!);
    for (const { name } of cluster.nodes) cluster.run(name);
    return cluster;
  }

  private constructor(hosts: readonly string[], port: number, raftPort: number) {
    this.nodes = hosts.map((host, n) => ({ name: `raft-${n}`, host }));
    this.port = port;
    this.#raftPort = raftPort;
    for (const { name } of this.nodes) this.#connections.set(name, new HttpConnection(this.address(name)));
  }

  address(name: string): string {
    return `${this.nodes.find((node) => node.name === name)!.host}:${this.port}`;
  }

  /** Starts a node, the first time or with the log that it had. */
  run(name: string): void {
    const peers = this.nodes.map((node) => `${node.name}=${node.host}:${this.#raftPort}`).join();
    const args = [
      '-id',
      name,
      '-http',
      this.address(name),
      '-dir',
      join(this.#folder, name),
      '-peers',
      peers,
    ];
    this.#children.set(name, new Child(name, requireTool('raft-store'), args));
  }

  async kill(name: string): Promise<void> {
    await this.#children.get(name)!.end('SIGKILL');
  }

  /** Stops it where it is, or lets it go on. */
  signal(name: string, signal: 'SIGSTOP' | 'SIGCONT'): void {
    process.kill(this.#children.get(name)!.pid, signal);
  }

  /** A quorum confirms that this node leads. */
  async leads(name: string): Promise<boolean> {
    return (await this.#ask(name, '/leader')).status === 200;
  }

  /** Waits until every node answers and one leads. */
  settled(): Promise<string> {
    return eventually(
      async () => {
        const answers = await Promise.all(this.nodes.map(({ name }) => this.#ask(name, '/leader')));
        const leaders = this.nodes.filter((_, n) => answers[n]!.status === 200);
        const terms = new Set(answers.map(({ body }) => (JSON.parse(body) as { term: number }).term));
        return leaders.length === 1 && terms.size === 1 && leaders[0]!.name;
      },
      'every node of the Raft store runs and one leads',
      30_000,
    );
  }

  /** How often each id was applied, as the leader has it. */
  async readBack(prefix: string): Promise<Map<string, number>> {
    const { body } = await this.#ask(await this.settled(), `/ids/${prefix}`);
    const lines = body.split('\n').filter((line) => line !== '');
    return new Map(lines.map((line) => line.split(' ')).map(([id, times]) => [id!, Number(times)]));
  }

  #ask(name: string, path: string) {
    return this.#connections.get(name)!.ask('GET', path, '', 1000);
  }

  async stop(): Promise<void> {
    for (const connection of this.#connections.values()) connection.close();
    await Promise.all([...this.#children.values()].map((child) => child.end('SIGKILL')));
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
