import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { requireTool, toolEnvironment } from '../../../scripts/servers/location.mjs';
import { Child } from './child.ts';
import { EtcdCluster } from './etcd.ts';
import { eventually } from './eventually.ts';
import { freePorts } from './ports.ts';

/** PostgreSQL refuses to run as root. */
const NOBODY = 65534;

export interface PatroniNode {
  readonly name: string;
  readonly host: string;
}

/** Real PostgreSQL servers that Patroni looks after, each on a loopback address of its own, with an etcd to agree over. */
export class PatroniCluster {
  readonly nodes: readonly PatroniNode[];
  /** Of PostgreSQL; the same on every address. */
  readonly port: number;
  /** Of Patroni's REST API. */
  readonly restPort: number;
  readonly #etcd: EtcdCluster;
  readonly #folder = mkdtempSync(join(tmpdir(), 'headroute-patroni-'));
  readonly #children: Child[] = [];

  static async start(hosts: readonly string[], etcdHosts: readonly string[]): Promise<PatroniCluster> {
    const etcd = await EtcdCluster.start(etcdHosts);
    const [port, restPort] = await freePorts(2, hosts);
    const cluster = new PatroniCluster(etcd, hosts, port!, restPort!);
    for (const node of cluster.nodes) cluster.#run(node);
    await eventually(
      async () => {
        for (const child of cluster.#children) child.assertRunning();
        const roles = await Promise.all(cluster.nodes.map((node) => cluster.#state(node)));
        return roles.filter((role) => role === 'running').length === hosts.length;
      },
      'every node runs',
      60_000,
    );
    return cluster;
  }

  private constructor(etcd: EtcdCluster, hosts: readonly string[], port: number, restPort: number) {
    this.#etcd = etcd;
    this.nodes = hosts.map((host, n) => ({ name: `pg-${n}`, host }));
    this.port = port;
    this.restPort = restPort;
    if (process.getuid?.() === 0) chownSync(this.#folder, NOBODY, NOBODY);
    chmodSync(this.#folder, 0o700);
  }

  #run({ name, host }: PatroniNode): void {
    const user = process.getuid?.() === 0 ? NOBODY : undefined;
    const home = join(this.#folder, name);
    mkdirSync(home);
    if (user !== undefined) chownSync(home, user, user);
    const login = (username: string): object => ({ username, password: 'x' });
    const config = {
      scope: 'pg',
      name,
      restapi: { listen: `${host}:${this.restPort}`, connect_address: `${host}:${this.restPort}` },
      etcd3: { host: this.#etcd.address(this.#etcd.members[0]!.name) },
      bootstrap: {
        dcs: { ttl: 20, loop_wait: 2, retry_timeout: 5 },
        initdb: [{ encoding: 'UTF8' }, { locale: 'C' }, { auth: 'trust' }, 'no-sync'],
        pg_hba: ['host all all 127.0.0.0/8 trust', 'host replication all 127.0.0.0/8 trust'],
      },
      postgresql: {
        listen: `${host}:${this.port}`,
        connect_address: `${host}:${this.port}`,
        data_dir: join(home, 'data'),
        bin_dir: dirname(requireTool('postgres')),
        pgpass: join(home, 'pgpass'),
        authentication: { superuser: login('app'), replication: login('replicator') },
        parameters: { unix_socket_directories: home, fsync: 'off' },
      },
    };
    const file = join(home, 'patroni.json');
    writeFileSync(file, JSON.stringify(config), { mode: 0o644 });
    const patroni = requireTool('patroni');
    // Its modules lie beside it where it is unpacked and not installed.
    const modules = join(dirname(dirname(patroni)), 'lib/python3/dist-packages');
    this.#children.push(
      new Child(
        name,
        '/usr/bin/python3',
        [patroni, file],
        {
          ...toolEnvironment('patroni'),
          ...(existsSync(modules) ? { PYTHONPATH: modules } : {}),
          HOME: home,
          LC_ALL: 'C',
        },
        user,
      ),
    );
  }

  async #state({ host }: PatroniNode): Promise<string> {
    try {
      const answer = await fetch(`http://${host}:${this.restPort}/patroni`);
      return ((await answer.json()) as { state: string }).state;
    } catch {
      return '';
    }
  }

  /** The node that holds the lock and takes writes, by its own word. */
  async leader(): Promise<PatroniNode> {
    return eventually(
      async () => {
        const statuses = await Promise.all(
          this.nodes.map(async ({ host }) => {
            const answer = await fetch(`http://${host}:${this.restPort}/primary`).catch(() => null);
            return answer?.status === 200;
          }),
        );
        const leaders = this.nodes.filter((_, n) => statuses[n]);
        return leaders.length === 1 && leaders[0]!;
      },
      'one node leads',
      30_000,
    );
  }

  /** A planned failover; it has ended when this returns. */
  async switchover(from: PatroniNode, to: PatroniNode): Promise<void> {
    // It is refused as long as the candidate has not caught up.
    await eventually(
      async () => {
        const answer = await fetch(`http://${from.host}:${this.restPort}/switchover`, {
          method: 'POST',
          body: JSON.stringify({ leader: from.name, candidate: to.name }),
        });
        if (answer.status !== 200) throw new Error(`switchover: ${answer.status} ${await answer.text()}`);
        return true;
      },
      `${to.name} takes over`,
      40_000,
    );
  }

  #postmaster(name: string): number | null {
    try {
      const file = readFileSync(join(this.#folder, name, 'data', 'postmaster.pid'), 'utf8');
      return Number(file.split('\n')[0]);
    } catch {
      return null;
    }
  }

  async stop(): Promise<void> {
    const servers = this.nodes.map(({ name }) => this.#postmaster(name));
    const ended = this.#children.map((child) => child.end('SIGKILL'));
    // SIGQUIT is its immediate shutdown: it takes its children along, which hold Patroni's pipes.
    for (const pid of servers) if (pid !== null) process.kill(pid, 'SIGQUIT');
    await Promise.all(ended);
    await this.#etcd.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
