import { failure, HttpConnection } from '../clients/http.ts';
import { RaftCluster } from '../clusters/raft-store.ts';
import { RAFT_STORE_LEADER } from '../leaders.ts';
import { type HaproxyBackend, startHaproxy } from '../proxies/haproxy.ts';
import { startHeadroute } from '../proxies/headroute.ts';
import { added, NONE_DOUBLED } from '../report/goals.ts';
import { kept } from '../running.ts';
import { FOUR_WORKERS, type ProxyName, type Scenario, type Stage } from '../scenario.ts';
import type { WriteClient } from '../writes.ts';

const HOSTS = ['127.0.0.51', '127.0.0.52', '127.0.0.53'];

type Deed = (cluster: RaftCluster) => Pick<Stage, 'strike' | 'restore'>;
type Addresses = [ProxyName, string][];

/** @param more proxies beside the two of every scenario */
async function start(
  deed: Deed,
  more: (backend: HaproxyBackend) => Promise<Addresses> = async () => [],
): Promise<Stage> {
  const cluster = await kept(RaftCluster.start(HOSTS));
  await cluster.settled();
  const { nodes, port } = cluster;
  const service = { service: 'raft.prod.svc.cluster.local', portName: 'http', port, nodes };
  const headroute = await startHeadroute('HTTP', service, RAFT_STORE_LEADER);
  const backend: HaproxyBackend = {
    mode: 'http',
    nodes: nodes.map(({ name }) => cluster.address(name)),
    check: ['option httpchk GET /leader', 'http-check expect status 200'],
  };
  const haproxy = await startHaproxy(backend);
  return {
    proxies: new Map([['headroute', headroute.address], ['haproxy', haproxy], ...(await more(backend))]),
    nodes: nodes.map(({ name }) => ({ name, canWrite: () => cluster.leads(name) })),
    connect: (address) => client(address),
    settled: () => cluster.settled(),
    readBack: (prefix) => cluster.readBack(prefix),
    ...deed(cluster),
  };
}

/** Clients of a silent leader wait on unless HAProxy is told to cut them off. */
async function cutting(backend: HaproxyBackend): Promise<Addresses> {
  return [['haproxy-cut', await startHaproxy({ ...backend, server: 'on-marked-down shutdown-sessions' })]];
}

function client(address: string): WriteClient {
  const connection = new HttpConnection(address);
  return {
    async write(id) {
      const answer = await connection.ask('POST', `/write/${id}`);
      if (answer.status !== 200) throw failure(answer);
      return String(answer.headers['x-node']);
    },
    close: () => connection.close(),
  };
}

export const RAFT_KILL: Scenario = {
  name: 'raft-kill',
  title: 'Raft store, leader killed (`kill -9`)',
  goals: [added(60, 120), NONE_DOUBLED],
  rounds: 10,
  restoreAfterMs: 0,
  watchMs: 2500,
  ...FOUR_WORKERS,
  start: () =>
    start((cluster) => ({
      strike: (leader) => cluster.kill(leader),
      async restore(leader) {
        cluster.run(leader);
      },
    })),
};

export const RAFT_FROZEN: Scenario = {
  name: 'raft-frozen',
  title: 'Raft store, leader frozen for 8 s (SIGSTOP)',
  goals: [added(600, 600), NONE_DOUBLED],
  rounds: 10,
  restoreAfterMs: 8000,
  watchMs: 2500,
  ...FOUR_WORKERS,
  start: () =>
    start(
      (cluster) => ({
        async strike(leader) {
          cluster.signal(leader, 'SIGSTOP');
        },
        async restore(leader) {
          cluster.signal(leader, 'SIGCONT');
        },
      }),
      cutting,
    ),
};
