import { redisClient } from '../clients/redis.ts';
import { RedisCluster } from '../clusters/redis-sentinel.ts';
import { REDIS_LEADER, SENTINELS } from '../leaders.ts';
import { startHaproxy } from '../proxies/haproxy.ts';
import { startHeadroute } from '../proxies/headroute.ts';
import { NO_SECOND_OUTAGE, NONE_DOUBLED, NONE_LOST, outage } from '../report/goals.ts';
import { kept } from '../running.ts';
import { FOUR_WORKERS, type Scenario, type Stage } from '../scenario.ts';

const HOSTS = ['127.0.0.57', '127.0.0.58', '127.0.0.59'];

/** What everybody has HAProxy ask Redis. */
const CHECK = [
  'option tcp-check',
  'tcp-check connect',
  'tcp-check send PING\\r\\n',
  'tcp-check expect string +PONG',
  'tcp-check send info\\ replication\\r\\n',
  'tcp-check expect string role:master',
  'tcp-check send QUIT\\r\\n',
  'tcp-check expect string +OK',
];

type Deed = (cluster: RedisCluster) => Pick<Stage, 'prepare' | 'strike' | 'restore'>;

/** @param keep connections of clients, or one for each write */
async function start(keep: boolean, deed: Deed): Promise<Stage> {
  const cluster = await kept(RedisCluster.start(HOSTS));
  await cluster.settled();
  const { nodes, sentinels } = cluster;
  const { port } = nodes[0]!;
  const service = { service: 'redis.prod.svc.cluster.local', portName: 'redis', port, nodes };
  const beside = {
    service: SENTINELS.service,
    portName: SENTINELS.port,
    port: sentinels[0]!.port,
    nodes: sentinels,
  };
  const headroute = await startHeadroute('TCP', service, REDIS_LEADER, [beside]);
  const haproxy = await startHaproxy({
    mode: 'tcp',
    nodes: nodes.map(({ host }) => `${host}:${port}`),
    check: CHECK,
    server: 'on-marked-down shutdown-sessions',
  });
  const names = new Map(nodes.map(({ name, host }) => [host, name]));
  return {
    proxies: new Map([
      ['headroute', headroute.address],
      ['haproxy', haproxy],
    ]),
    nodes: nodes.map((node) => ({ name: node.name, canWrite: () => node.leads() })),
    connect: (address) => redisClient(address, names, keep),
    settled: () => cluster.settled(),
    readBack: (prefix) => cluster.readBack(prefix),
    ...deed(cluster),
  };
}

const kill: Deed = (cluster) => ({
  // With its default settings a server has a file after an hour at the latest. One that comes back with it looks like one that
  // was promoted, and leads as it thinks until a Sentinel tells it otherwise, some ten seconds later.
  async prepare(leader) {
    await cluster.node(leader).ask('SAVE');
  },
  strike: (leader) => cluster.node(leader).kill(),
  async restore(leader) {
    cluster.node(leader).restart();
  },
});

/** The old master goes on as one for some 11 s. */
const planned: Deed = (cluster) => ({
  strike: () => cluster.failover(),
  async restore() {},
});

export const REDIS_PLANNED: Scenario = {
  name: 'redis-planned',
  oldGoesOn: true,
  title: 'Redis, planned (`SENTINEL FAILOVER`)',
  goals: [outage(300), NONE_LOST, NONE_DOUBLED],
  rounds: 10,
  restoreAfterMs: 0,
  watchMs: 14_000,
  ...FOUR_WORKERS,
  start: () => start(true, planned),
};

export const REDIS_KILL: Scenario = {
  name: 'redis-kill',
  title: 'Redis, master killed, back after a second',
  goals: [NO_SECOND_OUTAGE, NONE_LOST, NONE_DOUBLED],
  rounds: 10,
  restoreAfterMs: 0,
  watchMs: 14_000,
  ...FOUR_WORKERS,
  start: () => start(true, kill),
};

export const REDIS_KILL_NEW: Scenario = {
  ...REDIS_KILL,
  name: 'redis-kill-new-connections',
  title: 'Redis, master killed, a connection for each write',
  goals: [NONE_LOST, NONE_DOUBLED],
  start: () => start(false, kill),
};
