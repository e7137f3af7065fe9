import { eventually } from '../../../test/system/support/eventually.ts';
import { PatroniCluster } from '../../../test/system/support/patroni.ts';
import { PgConnection, postgresClient } from '../clients/postgres.ts';
import { patroniLeader } from '../leaders.ts';
import { startHaproxy } from '../proxies/haproxy.ts';
import { startHeadroute } from '../proxies/headroute.ts';
import { kept } from '../running.ts';
import { FOUR_WORKERS, type Scenario, type Stage } from '../scenario.ts';

const HOSTS = ['127.0.0.61', '127.0.0.62', '127.0.0.63'];
const ETCD_HOSTS = ['127.0.0.64', '127.0.0.65', '127.0.0.66'];

async function start(): Promise<Stage> {
  const cluster = await kept(PatroniCluster.start(HOSTS, ETCD_HOSTS));
  const { nodes, port, restPort } = cluster;
  const addressOf = (name: string): string => `${nodes.find((node) => node.name === name)!.host}:${port}`;
  const ask = async (name: string, sql: string, timeoutMs = 5000): Promise<string[]> => {
    const connection = await PgConnection.open(addressOf(name), timeoutMs);
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
  const settled = (): Promise<string> =>
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
      60_000,
    );

  return {
    proxies: new Map([
      ['headroute', headroute.address],
      ['haproxy', haproxy],
    ]),
    nodes: nodes.map(({ name }) => ({
      name,
      canWrite: async () => (await ask(name, 'SELECT pg_is_in_recovery()', 1000))[0] === 'f',
    })),
    connect: (address) => postgresClient(address, names),
    settled,
    async strike(leader) {
      const from = nodes.find(({ name }) => name === leader)!;
      const to = nodes.find(({ name }) => name !== leader)!;
      await cluster.switchover(from, to);
    },
    async restore() {},
    async readBack(prefix) {
      const rows = await ask(
        await settled(),
        `SELECT id || ' ' || count(*) FROM writes WHERE id LIKE '${prefix}%' GROUP BY id`,
      );
      return new Map(rows.map((row) => row.split(' ')).map(([id, times]) => [id!, Number(times)]));
    },
  };
}

export const PATRONI_SWITCHOVER: Scenario = {
  name: 'patroni-switchover',
  title: 'PostgreSQL (Patroni), switchover, a connection for each write',
  rounds: 10,
  restoreAfterMs: 0,
  watchMs: 3000,
  ...FOUR_WORKERS,
  start,
};
