/**
 * A pool of connections to real Redis over failovers, as redis-py and Lettuce keep one: a connection that answers READONLY is
 * kept and used again, so that only the sidecar can end it.
 *
 * Story: after a failover the pool writes to the former master, and is told READONLY, for ever
 * (helm/charts#12851, spring-projects/spring-data-redis#2668). Case id B42 of field-cases.md; sibling of L2, L3 and L10.
 */
import { afterEach, expect, it } from 'vitest';
import { startDnsServer } from '../../src/demo/dns-server.ts';
import { eventually } from './support/eventually.ts';
import { Headroute } from './support/headroute.ts';
import { freePorts } from './support/ports.ts';
import { RedisServer } from './support/redis.ts';
import { RedisWriters } from './support/redis-writers.ts';
import { kept, stopAll } from './support/running.ts';

const SERVICE = 'redis.prod.svc.cluster.local';
const HOSTS = ['127.0.0.43', '127.0.0.44', '127.0.0.45'];
/** README's D: period × failureThreshold + timeout. */
const PROBE = { period: '500ms', timeout: '300ms', failureThreshold: 2 };
const D_MS = 500 * 2 + 300;
/** For the clocks and the test's own sockets on a busy machine. */
const SLACK_MS = 300;

afterEach(stopAll);

/** A sidecar in front of these servers. */
async function before(
  port: number,
  servers: readonly RedisServer[],
  leader: object,
): Promise<{ headroute: Headroute }> {
  const dns = await startDnsServer();
  await kept({ stop: () => dns.close() });
  dns.setService(
    SERVICE,
    'redis',
    port,
    servers.map(({ name, host }) => ({ name, addresses: [host] })),
  );
  const headroute = await kept(
    Headroute.start({
      backends: [
        {
          name: 'redis',
          service: SERVICE,
          port: 'redis',
          discovery: { nameservers: [`${dns.address.host}:${dns.address.port}`] },
          health: { tcpSocket: {}, period: '500ms' },
          leader: { type: 'Probe', preset: 'redis', ...leader },
        },
      ],
      listener: { protocol: 'TCP' },
      rules: [{ name: 'writes', backendRefs: [{ name: 'redis' }], selection: { type: 'Leader' } }],
    }),
  );
  return { headroute };
}

async function raise(): Promise<{ servers: RedisServer[]; headroute: Headroute; pool: RedisWriters }> {
  const [port] = await freePorts(1, HOSTS);
  const servers: RedisServer[] = [];
  for (const [n, host] of HOSTS.entries())
    servers.push(await kept(RedisServer.start(`redis-${n}`, host, port!, servers[0])));
  const { headroute } = await before(port!, servers, { probe: PROBE });
  await eventually(async () => (await headroute.readyPods()).length === 3, 'all are ready');
  await eventually(async () => (await headroute.leader()) === 'redis-0', 'redis-0 leads');
  const pool = await kept(new RedisWriters(headroute.address, 10, 5));
  await pool.served(performance.now());
  return { servers, headroute, pool };
}

it('B42 a planned switch: READONLY for no longer than D, then every writer writes to the new master', async () => {
  const { servers, pool } = await raise();
  const [old, next, other] = servers as [RedisServer, RedisServer, RedisServer];
  const demotedMs = performance.now();
  await old.follow(next);
  await next.lead();
  await other.follow(next);
  await pool.served(demotedMs + D_MS + SLACK_MS);
  const refused = pool.refused(demotedMs);
  for (const { answer } of refused) expect(answer).toMatch(/^-READONLY/);
  const lastMs = Math.max(demotedMs, ...refused.map(({ atMs }) => atMs));
  console.info(
    `Redis pool: ${refused.length} × READONLY, the last ${(lastMs - demotedMs).toFixed(0)} ms after REPLICAOF`,
  );
  expect(lastMs - demotedMs).toBeLessThan(D_MS + SLACK_MS);
  const written = pool.acknowledged(lastMs + SLACK_MS);
  for (const { id } of written.slice(-50)) expect(await next.ask(`EXISTS ${id}`)).toBe(':1');
});

it('B42 a crash: nobody is told READONLY, and the master that comes back empty gets no write and disturbs nobody', async () => {
  const { servers, headroute, pool } = await raise();
  const [old, next, other] = servers as [RedisServer, RedisServer, RedisServer];
  const killedMs = performance.now();
  await old.kill();
  await next.lead();
  await other.follow(next);
  await pool.served(performance.now());
  // It starts without data and takes itself for the master: two claim, of which one was never promoted.
  const changesBefore = await leaderChanges(headroute);
  await old.restart();
  await eventually(async () => (await headroute.readyPods()).length === 3, 'it is ready again');
  await new Promise((resolve) => setTimeout(resolve, 3 * D_MS));
  await pool.served(performance.now());
  expect(await old.ask('DBSIZE')).toBe(':0');
  expect(await old.ask('ROLE')).toContain('master');
  await old.follow(next);
  await pool.served(performance.now());
  expect(pool.refused(killedMs)).toEqual([]);
  expect(await leaderChanges(headroute)).toEqual(changesBefore);
  expect(await headroute.leader()).toBe('redis-1');
});

it('a switch after which the old master stays one for a while, as with Sentinel: the promoted one takes every write at once', async () => {
  const { servers, headroute, pool } = await raise();
  const [old, next, other] = servers as [RedisServer, RedisServer, RedisServer];
  const promotedMs = performance.now();
  await next.lead();
  await pool.served(promotedMs + D_MS);
  await other.follow(next);
  const count = await old.ask('DBSIZE');
  await new Promise((resolve) => setTimeout(resolve, 2 * D_MS));
  await pool.served(performance.now());
  expect(await old.ask('DBSIZE')).toBe(count);
  expect(await headroute.leader()).toBe('redis-1');
  await old.follow(next);
  await pool.served(performance.now());
  expect(pool.refused(promotedMs)).toEqual([]);
  // It led all the while: no second outage when the old one gave up.
  const [leaderless] = await headroute.samples('headroute_leaderless_seconds_total');
  expect(leaderless!.value).toBeLessThan(1);
});

it('auth: a server with a password is asked as its user, one without one as well', async () => {
  const [port] = await freePorts(1, HOSTS.slice(0, 1));
  const server = await kept(RedisServer.start('redis-0', HOSTS[0]!, port!));
  const { headroute } = await before(port!, [server], { auth: { password: 's3cret' } });
  await eventually(async () => (await headroute.leader()) === 'redis-0', 'it leads without a password');
  await server.ask('CONFIG SET requirepass s3cret');
  const without = await before(port!, [server], {});
  const sinceMs = performance.now();
  await eventually(async () => performance.now() - sinceMs > 2 * D_MS, 'some probes');
  expect(await headroute.leader()).toBe('redis-0');
  expect(await without.headroute.leader()).toBeUndefined();
});

async function leaderChanges(headroute: Headroute): Promise<number[]> {
  return (await headroute.samples('headroute_leader_changes_total')).map(({ value }) => value);
}
