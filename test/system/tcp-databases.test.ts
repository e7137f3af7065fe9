import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { CoreDns } from './support/coredns.ts';
import { eventually } from './support/eventually.ts';
import { Headroute } from './support/headroute.ts';
import { freePorts } from './support/ports.ts';
import { Postgres, pgbench, psql } from './support/postgres.ts';
import { RedisClient, RedisServer } from './support/redis.ts';
import { kept, stopAll } from './support/running.ts';

/** Real databases and real clients of them through a TCP listener. */

describe('Redis, a master and its replica, `preset: redis`', () => {
  /** README's D: period × failureThreshold + timeout, jitter included. */
  const PROBE = { period: '500ms', timeout: '300ms', failureThreshold: 2 };
  const D_MS = 500 * 1.1 * 2 + 300;
  /** For the clocks and the test's own sockets on a busy machine. */
  const SLACK_MS = 300;

  let first: RedisServer;
  let second: RedisServer;
  let headroute: Headroute;

  const leaderIs = (name: string) =>
    eventually(async () => (await headroute.leader()) === name, `${name} leads`, 10_000);

  const open = () => RedisClient.connect(headroute.address);

  async function raise(): Promise<void> {
    const hosts = ['127.0.0.41', '127.0.0.42'];
    const [port] = await freePorts(1, hosts);
    first = await kept(RedisServer.start('redis-0', hosts[0]!, port!));
    second = await kept(RedisServer.start('redis-1', hosts[1]!, port!, first));
    const pods = [first, second].map(({ name, host }) => ({ name, a: host, port: port! }));
    const service = 'redis.prod.svc.cluster.local';
    const dns = await kept(CoreDns.start({ service, portName: 'redis', ttlSeconds: 5, pods }));
    headroute = await kept(
      Headroute.start({
        backends: [
          {
            name: 'redis',
            service,
            port: 'redis',
            discovery: { nameservers: [dns.address] },
            health: { tcpSocket: {}, period: '500ms' },
            leader: { type: 'Probe', preset: 'redis', probe: PROBE },
          },
        ],
        listener: { protocol: 'TCP' },
        rules: [{ name: 'writes', backendRefs: [{ name: 'redis' }], selection: { type: 'Leader' } }],
      }),
    );
    await eventually(async () => (await headroute.readyPods()).length === 2, 'both are ready');
    await leaderIs('redis-0');
  }

  afterEach(stopAll);

  it('sends every connection to the master: small writes, pipelines, values of 16 MiB, published messages', async () => {
    await raise();
    const clients = await Promise.all(Array.from({ length: 10 }, open));
    for (const [n, client] of clients.entries()) expect(await client.ask(`SET k${n} v${n}`)).toBe('+OK');
    for (const [n, client] of clients.entries()) expect(await client.ask(`GET k${n}`)).toBe(`$2\r\nv${n}`);
    expect(await first.ask('DBSIZE')).toBe(':10');
    const [one, two] = clients as [RedisClient, RedisClient];

    one.write('INCR counter\r\n'.repeat(10_000));
    for (let n = 1; n <= 10_000; n++) expect(await one.answer()).toBe(`:${n}`);

    const value = Buffer.alloc(16 * 2 ** 20, 'headroute ');
    expect(await one.askBulk(Buffer.from('SET'), Buffer.from('large'), value)).toBe('+OK');
    const large = await two.ask('GET large');
    expect(large.length).toBe(`$${value.length}\r\n`.length + value.length);
    expect(large.endsWith(value.toString('latin1', value.length - 1000))).toBe(true);

    expect(await two.ask('SUBSCRIBE news')).toContain('subscribe');
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(await one.ask('PUBLISH news hello')).toBe(':1');
    expect(await two.answer()).toContain('hello');
    for (const client of clients) client.close();
  });

  it('cuts the old connections within D of REPLICAOF, and new ones land on the new master, none on both', async () => {
    await raise();
    const clients = await Promise.all(Array.from({ length: 20 }, open));
    for (const client of clients) expect(await client.ask('INCR before')).toMatch(/^:/);
    // Redis replicates behind its answers: a planned switch waits until the replica has all of it.
    await eventually(
      async () => (await second.ask('GET before')) === '$2\r\n20',
      'the replica has caught up',
    );

    const demotedMs = performance.now();
    await first.follow(second);
    await second.lead();
    await Promise.all(clients.map(({ ended }) => ended));
    const cutMs = Math.max(...clients.map(({ endedMs }) => endedMs)) - demotedMs;
    expect(cutMs).toBeLessThan(D_MS + SLACK_MS);

    const again = await open();
    expect(await again.ask('INCR after')).toBe(':1');
    const servedMs = performance.now() - demotedMs;
    console.info(
      `Redis: cut ${cutMs.toFixed(0)} ms after REPLICAOF, served again after ${servedMs.toFixed(0)} ms`,
    );
    expect(servedMs).toBeLessThan(D_MS + 1000);
    expect(await again.ask('ROLE')).toContain('master');
    expect(await second.ask('GET after')).toBe('$1\r\n1');
    expect(await second.ask('GET before')).toBe('$2\r\n20');
    expect(await headroute.leader()).toBe('redis-1');
    again.close();
  });

  it('of two masters the one that has succeeded the other is served, and the other gets nothing more', async () => {
    await raise();
    const client = await open();
    expect(await client.ask('SET a 1')).toBe('+OK');
    const splitMs = performance.now();
    await second.lead();
    await client.ended;
    expect(client.endedMs - splitMs).toBeLessThan(D_MS + SLACK_MS);
    const waiting = await open();
    expect(await waiting.ask('SET during 1')).toBe('+OK');
    expect(await second.ask('EXISTS during')).toBe(':1');
    expect(await first.ask('EXISTS during')).toBe(':0');
    waiting.close();
  });

  it('holds new connections while the master is dead, until the replica is told to lead', async () => {
    await raise();
    const client = await open();
    expect(await client.ask('SET a 1')).toBe('+OK');
    await eventually(async () => (await second.ask('GET a')) === '$1\r\n1', 'it is replicated');
    await first.kill();
    await client.ended;
    const held = Promise.all(Array.from({ length: 5 }, async () => (await open()).ask('INCR held')));
    await eventually(async () => {
      const [sample] = await headroute.samples('headroute_held_requests');
      return (sample?.value ?? 0) === 5;
    }, 'five connections are held');
    await second.lead();
    const promotedMs = performance.now();
    expect((await held).sort()).toEqual([':1', ':2', ':3', ':4', ':5']);
    expect(performance.now() - promotedMs).toBeLessThan(D_MS + SLACK_MS);
    // The old one comes back as a master without data: it was never promoted, and unseats nobody.
    const kept = await open();
    expect(await kept.ask('INCR held')).toBe(':6');
    await first.restart();
    await eventually(async () => (await first.ask('ROLE')).includes('master'), 'it is a master again');
    for (let n = 7; n < 20; n++) {
      expect(await kept.ask('INCR held')).toBe(`:${n}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(await first.ask('DBSIZE')).toBe(':0');
    kept.close();
    await first.follow(second);
    await leaderIs('redis-1');
  });
});

describe('PostgreSQL', () => {
  let port: number;
  let headroute: Headroute;

  beforeAll(async () => {
    const [own] = await freePorts(1);
    await kept(Postgres.start(own!));
    const service = 'pg.prod.svc.cluster.local';
    const pods = [{ name: 'pg-0', a: '127.0.0.1', port: own! }];
    const dns = await kept(CoreDns.start({ service, portName: 'postgres', ttlSeconds: 5, pods }));
    headroute = await kept(
      Headroute.start({
        backends: [{ name: 'pg', service, port: 'postgres', discovery: { nameservers: [dns.address] } }],
        listener: { protocol: 'TCP' },
        rules: [{ name: 'all', backendRefs: [{ name: 'pg' }] }],
      }),
    );
    await eventually(async () => (await headroute.readyPods()).length === 1, 'it is ready');
    port = Number(headroute.address.split(':')[1]);
  });

  afterAll(stopAll);

  it('psql: simple queries, errors, transactions', async () => {
    expect(await psql(port, 'SELECT 40 + 2')).toEqual({ out: '42\n', error: '', status: 0 });
    const failed = await psql(port, 'SELECT * FROM nowhere');
    expect(failed.status).toBe(1);
    expect(failed.error).toContain('relation "nowhere" does not exist');
    const script =
      'CREATE TABLE t (n int); BEGIN; INSERT INTO t SELECT generate_series(1, 1000); COMMIT; SELECT sum(n) FROM t';
    expect((await psql(port, script)).out).toBe('500500\n');
  });

  it('psql: 20 MB out, 10 MB in by COPY, both whole', async () => {
    const out = await psql(port, "SELECT repeat('x', 1000) FROM generate_series(1, 20000)");
    expect(out.out.length).toBe(20_000 * 1001);
    const rows = Array.from({ length: 10_000 }, (_, n) => `${n}\t${'y'.repeat(1000)}`).join('\n');
    const copied = await psql(
      port,
      'CREATE TABLE wide (n int, text text); COPY wide FROM STDIN',
      `${rows}\n`,
    );
    expect(copied).toEqual({ out: '', error: '', status: 0 });
    expect((await psql(port, 'SELECT count(*), sum(length(text)) FROM wide')).out).toBe('10000|10000000\n');
  });

  it('pgbench: eight clients, prepared statements, a new connection for each transaction: none fails', async () => {
    expect((await pgbench(port, '-i', '-q', '-s', '1')).status).toBe(0);
    const kept = await pgbench(port, '-c', '8', '-T', '2', '-M', 'prepared');
    expect(kept.out).toMatch(/number of failed transactions: 0 /);
    const fresh = await pgbench(port, '-c', '8', '-T', '2', '-C', '-S');
    expect(fresh.out).toMatch(/number of failed transactions: 0 /);
    expect([kept.status, fresh.status]).toEqual([0, 0]);
    await eventually(async () => {
      const [sample] = await headroute.samples('headroute_connections');
      return (sample?.value ?? 0) === 0;
    }, 'no connection is left');
  });
});
