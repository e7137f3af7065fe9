/**
 * Planned failovers of real Redis by real Sentinels under write load: what was acknowledged is there afterwards. Without the Sentinels'
 * word a sidecar sends to the old master for as long as it takes to find the promoted one, and what that acknowledges is lost.
 */
import { afterEach, expect, it } from 'vitest';
import { startDnsServer } from '../../src/demo/dns-server.ts';
import { eventually } from './support/eventually.ts';
import { Headroute } from './support/headroute.ts';
import { freePorts } from './support/ports.ts';
import { RedisServer } from './support/redis.ts';
import { RedisWriters } from './support/redis-writers.ts';
import { kept, stopAll } from './support/running.ts';
import { MASTER, Sentinel } from './support/sentinel.ts';

const SERVICE = 'redis.prod.svc.cluster.local';
const SENTINELS = 'sentinel.prod.svc.cluster.local';
const HOSTS = ['127.0.0.46', '127.0.0.47', '127.0.0.48'];
const FAILOVERS = Number(process.env.HEADROUTE_FAILOVERS ?? 3);
const WRITERS = 8;

afterEach(stopAll);

interface Cluster {
  readonly servers: readonly RedisServer[];
  readonly sentinels: readonly Sentinel[];
  readonly headroute: Headroute;
}

async function raise(leader: object): Promise<Cluster> {
  const [port, sentinelPort] = await freePorts(2, HOSTS);
  const servers: RedisServer[] = [];
  for (const [n, host] of HOSTS.entries())
    servers.push(await kept(RedisServer.start(`redis-${n}`, host, port!, servers[0])));
  const sentinels: Sentinel[] = [];
  for (const [n, host] of HOSTS.entries())
    sentinels.push(await kept(Sentinel.start(`sentinel-${n}`, host, sentinelPort!, servers[0]!)));
  const dns = await startDnsServer();
  await kept({ stop: () => dns.close() });
  const pods = (all: readonly (RedisServer | Sentinel)[]) =>
    all.map(({ name, host }) => ({ name, addresses: [host] }));
  dns.setService(SERVICE, 'redis', port!, pods(servers));
  dns.setService(SENTINELS, 'sentinel', sentinelPort!, pods(sentinels));
  for (const sentinel of sentinels)
    await eventually(
      async () =>
        (await sentinel.says('num-slaves')) === '2' && (await sentinel.says('num-other-sentinels')) === '2',
      `${sentinel.name} knows all`,
    );
  const headroute = await kept(
    Headroute.start({
      backends: [
        {
          name: 'redis',
          service: SERVICE,
          port: 'redis',
          discovery: { nameservers: [`${dns.address.host}:${dns.address.port}`] },
          leader,
        },
      ],
      listener: { protocol: 'TCP' },
      rules: [{ name: 'writes', backendRefs: [{ name: 'redis' }], selection: { type: 'Leader' } }],
    }),
  );
  await eventually(async () => (await headroute.leader()) === 'redis-0', 'redis-0 leads');
  return { servers, sentinels, headroute };
}

/** Plans one failover and waits until the cluster is whole again. @returns the server that leads now */
async function failOver({ servers, sentinels }: Cluster, n: number): Promise<RedisServer> {
  const sentinel = sentinels[n % sentinels.length]!;
  const before = await sentinel.names();
  const others = new Set(sentinels);
  await eventually(async () => {
    // One that found no good replica is asked again; -INPROG says that it is at it.
    if (others.has(sentinel)) await sentinel.ask(`SENTINEL FAILOVER ${MASTER}`);
    for (const one of others) if ((await one.names()) !== before) others.delete(one);
    return others.size === 0;
  }, `all Sentinels name another master than ${before}`).catch((error: Error) => {
    const logs = sentinels.map(({ name, log }) => `${name}:\n${log.slice(-3000)}`);
    throw new Error(`${error.message}\n${logs.join('\n')}`);
  });
  const host = await sentinel.names();
  // A Sentinel that takes the former master for one still would make the next one a replica again that is promoted.
  for (const one of sentinels)
    await eventually(() => one.seesReplicas(2), `${one.name} sees two replicas`, 40_000);
  return servers.find((server) => server.host === host)!;
}

it(
  `${FAILOVERS} planned failovers lose no acknowledged write, and nobody writes to a former master`,
  async () => {
    const cluster = await raise({
      type: 'Sentinel',
      sentinel: { service: SENTINELS, port: 'sentinel', master: MASTER },
    });
    const { headroute } = cluster;
    await eventually(
      async () => headroute.log.split('a Sentinel is listened to').length === 4,
      'all Sentinels are listened to',
    );
    const writers = await kept(new RedisWriters(headroute.address, WRITERS, 1));
    const gapsMs: number[] = [];
    let leader = cluster.servers[0]!;
    for (let n = 0; n < FAILOVERS; n++) {
      const sinceMs = performance.now();
      leader = await failOver(cluster, n);
      gapsMs.push(writers.longestGapMs(sinceMs));
      expect(await headroute.leader()).toBe(leader.name);
    }
    await writers.stop();
    const lost = await writers.lost(leader);
    const sorted = gapsMs.sort((a, b) => a - b);
    console.info(
      `${FAILOVERS} planned failovers: ${lost.length} of ${writers.acknowledged().length} acknowledged writes lost; ` +
        `without an answer for ${sorted[sorted.length >> 1]!.toFixed(0)} ms (median), ${sorted.at(-1)!.toFixed(0)} ms (longest)`,
    );
    expect(lost).toEqual([]);
    expect(writers.refused()).toEqual([]);
  },
  60_000 + FAILOVERS * 30_000,
);
