import { eventually } from '../../../test/system/support/eventually.ts';
import { PatroniCluster } from '../../../test/system/support/patroni.ts';
import { PgConnection, postgresClient } from '../clients/postgres.ts';
import { PatroniNodeProcesses } from '../clusters/patroni-node.ts';
import { patroniLeader } from '../leaders.ts';
import type { Observed } from '../observer.ts';
import { startHaproxy } from '../proxies/haproxy.ts';
import { startHeadroute } from '../proxies/headroute.ts';
import { added, NO_ERRORS, NONE_DOUBLED } from '../report/goals.ts';
import { kept } from '../running.ts';
import { FOUR_WORKERS, type Scenario, type Stage } from '../scenario.ts';

const HOSTS = ['127.0.0.61', '127.0.0.62', '127.0.0.63'];
/** Longer than a round. */
const LONG_MS = 300_000;
const ETCD_HOSTS = ['127.0.0.64', '127.0.0.65', '127.0.0.66'];

/** Over a kept connection: a server that forks for each question would be slower for being watched. */
function observed(name: string, address: string): Observed {
  let connection: PgConnection | null = null;
  return {
    name,
    async canWrite() {
      try {
        connection ??= await PgConnection.open(address, LONG_MS);
        const [inRecovery] = await connection.query('SELECT pg_is_in_recovery()');
        return inRecovery === 'f';
      } catch (error) {
        connection?.close();
        connection = null;
        throw error;
      }
    },
    close: () => connection?.close(),
  };
}

type Deed = (cluster: PatroniCluster, tools: Tools) => Pick<Stage, 'strike' | 'restore'>;

interface Tools {
  readonly ask: (name: string, sql: string) => Promise<string[]>;
  readonly settled: (withinMs: number) => Promise<string>;
}

async function start(deed: Deed): Promise<Stage> {
  const cluster = await kept(PatroniCluster.start(HOSTS, ETCD_HOSTS));
  const { nodes, port, restPort } = cluster;
  const addressOf = (name: string): string => `${nodes.find((node) => node.name === name)!.host}:${port}`;
  const ask = async (name: string, sql: string): Promise<string[]> => {
    const connection = await PgConnection.open(addressOf(name), 5000);
    try {
      return await connection.query(sql);
    } finally {
      connection.close();
    }
  };
  await ask((await cluster.leader()).name, 'CREATE TABLE writes (id text)');
  const service = { service: 'pg.prod.svc.cluster.local', portName: 'postgres', port, nodes };
  const headroute = await startHeadroute('TCP', service, patroniLeader(restPort));
  const haproxy = await startHaproxy({
    mode: 'tcp',
    nodes: nodes.map(({ name }) => addressOf(name)),
    check: ['option httpchk GET /primary', 'http-check expect status 200'],
    server: `port ${restPort} on-marked-down shutdown-sessions`,
  });
  const names = new Map(nodes.map(({ name, host }) => [host, name]));

  /** Every node runs, and the others stream from the one that leads. */
  const settled = (withinMs: number): Promise<string> =>
    eventually(
      async () => {
        const { name } = await cluster.leader();
        const [streaming] = await ask(
          name,
          `SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'`,
        );
        return streaming === '2' && name;
      },
      'PostgreSQL has a leader from which the others stream',
      withinMs,
    );

  return {
    proxies: new Map([
      ['headroute', headroute.address],
      ['haproxy', haproxy],
    ]),
    nodes: nodes.map(({ name }) => observed(name, addressOf(name))),
    connect: (address) => postgresClient(address, names),
    settled: () => settled(60_000),
    async readBack(prefix) {
      const rows = await ask(
        await settled(60_000),
        `SELECT id || ' ' || count(*) FROM writes WHERE id LIKE '${prefix}%' GROUP BY id`,
      );
      return new Map(rows.map((row) => row.split(' ')).map(([id, times]) => [id!, Number(times)]));
    },
    ...deed(cluster, { ask, settled }),
  };
}

const switchover: Deed = (cluster) => ({
  async strike(leader) {
    const { nodes } = cluster;
    const from = nodes.find(({ name }) => name === leader)!;
    const to = nodes.find(({ name }) => name !== leader)!;
    await cluster.switchover(from, to);
  },
  async restore() {},
});

/** Another leads once the lease of 20 s has ended. */
const kill: Deed = (cluster, { ask, settled }) => {
  let killed: PatroniNodeProcesses;
  return {
    async strike(leader) {
      const [dataDirectory] = await ask(leader, 'SHOW data_directory');
      killed = new PatroniNodeProcesses(dataDirectory!);
      await killed.kill();
    },
    async restore(leader) {
      const child = killed.restart();
      // Not waited for: its PostgreSQL, which the cluster ends, holds its pipes open.
      await kept({
        async stop() {
          void child.end('SIGKILL');
        },
      });
      await settled(20_000).catch(async () => {
        // It has what no other has got, and so cannot follow: its data are thrown away.
        const { host } = cluster.nodes.find(({ name }) => name === leader)!;
        const url = `http://${host}:${cluster.restPort}/reinitialize`;
        await fetch(url, { method: 'POST', body: '{"force":true}' });
        await settled(60_000);
      });
    },
  };
};

export const PATRONI_SWITCHOVER: Scenario = {
  name: 'patroni-switchover',
  title: 'PostgreSQL (Patroni), switchover, a connection for each write',
  goals: [added(150, 150), NO_ERRORS, NONE_DOUBLED],
  rounds: 10,
  restoreAfterMs: 0,
  watchMs: 3000,
  ...FOUR_WORKERS,
  start: () => start(switchover),
};

export const PATRONI_KILL: Scenario = {
  name: 'patroni-kill',
  goals: [NONE_DOUBLED],
  title: 'PostgreSQL (Patroni), leader killed',
  rounds: 3,
  restoreAfterMs: 0,
  watchMs: 3000,
  ...FOUR_WORKERS,
  start: () => start(kill),
};
