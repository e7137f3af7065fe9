/**
 * `preset: patroni` over real switchovers: every new connection reaches a server that takes writes. By the status of `/primary`
 * alone it does not: the next leader answers 200 before it is promoted, the old one while it refuses connections already.
 */
import { afterEach, expect, it } from 'vitest';
import { startDnsServer } from '../../src/demo/dns-server.ts';
import { eventually } from './support/eventually.ts';
import { Headroute } from './support/headroute.ts';
import { PatroniCluster } from './support/patroni.ts';
import { psql } from './support/postgres.ts';
import { kept, stopAll } from './support/running.ts';

const SERVICE = 'pg.prod.svc.cluster.local';
const HOSTS = ['127.0.0.31', '127.0.0.32', '127.0.0.33'];
const ETCD_HOSTS = ['127.0.0.34', '127.0.0.35', '127.0.0.36'];
const SWITCHOVERS = 3;
const CLIENTS = 4;

afterEach(stopAll);

/** Opens one connection after another and asks each whether it can write. */
class Clients {
  readonly errors: string[] = [];
  served = 0;
  #stopped = false;
  readonly #loops: Promise<void>[];

  constructor(port: number, count: number) {
    this.#loops = Array.from({ length: count }, async () => {
      while (!this.#stopped) {
        const { out, error } = await psql(port, 'SELECT pg_is_in_recovery()');
        if (out === 'f\n') this.served++;
        // A connection that was open when its server stopped may be cut in the middle; a new one may not fail.
        else if (!/terminating connection|closed the connection unexpectedly/.test(error))
          this.errors.push(out + error);
      }
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#loops);
  }
}

it('a switchover leads no new connection to a server that takes no writes', async () => {
  const cluster = await kept(PatroniCluster.start(HOSTS, ETCD_HOSTS));
  const dns = await startDnsServer();
  await kept({ stop: () => dns.close() });
  dns.setService(
    SERVICE,
    'postgres',
    cluster.port,
    cluster.nodes.map(({ name, host }) => ({ name, addresses: [host] })),
  );
  const headroute = await kept(
    Headroute.start({
      backends: [
        {
          name: 'pg',
          service: SERVICE,
          port: 'postgres',
          discovery: { nameservers: [`${dns.address.host}:${dns.address.port}`] },
          leader: { preset: 'patroni', probe: { httpGet: { port: cluster.restPort }, period: '250ms' } },
        },
      ],
      listener: { protocol: 'TCP' },
      rules: [
        {
          name: 'writes',
          backendRefs: [{ name: 'pg' }],
          selection: { type: 'Leader', hold: { timeout: '20s' } },
        },
      ],
    }),
  );
  const first = await cluster.leader();
  await eventually(async () => (await headroute.leader()) === first.name, 'headroute knows the leader');
  const clients = new Clients(Number(headroute.address.split(':')[1]), CLIENTS);
  await kept(clients);
  for (let n = 0; n < SWITCHOVERS; n++) {
    const from = await cluster.leader();
    const to = cluster.nodes.find(({ name }) => name !== from.name)!;
    await cluster.switchover(from, to);
    await eventually(async () => (await headroute.leader()) === to.name, `${to.name} leads`, 20_000);
    const { served } = clients;
    await eventually(async () => clients.served > served + 20, 'clients are served', 20_000);
  }
  await clients.stop();
  console.info(
    `Patroni: ${SWITCHOVERS} switchovers, ${clients.served} connections served, ${clients.errors.length} failed`,
  );
  const stopping = clients.errors.filter((error) => error.includes('shutting down'));
  expect(clients.errors.filter((error) => !stopping.includes(error))).toEqual([]);
  // Those that were on their way when the old leader stopped: each client meets that once at most.
  expect(stopping.length).toBeLessThanOrEqual(SWITCHOVERS * CLIENTS);
});
