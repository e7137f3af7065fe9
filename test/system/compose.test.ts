/**
 * deploy/compose without containers: its scripts start real Redis and Sentinels on loopback, and its configuration runs in front of them
 * with other addresses. A name server answers the names of the services as Docker's does.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { parse } from 'yaml';
import { requireTool, toolEnvironment } from '../../scripts/servers/location.mjs';
import { startDnsServer } from '../../src/demo/dns-server.ts';
import { Child } from './support/child.ts';
import { eventually } from './support/eventually.ts';
import { Headroute } from './support/headroute.ts';
import { freePorts } from './support/ports.ts';
import { askOnce, RedisClient } from './support/redis.ts';
import { kept, stopAll } from './support/running.ts';

const { services } = parse(readFileSync('deploy/compose/compose.yaml', 'utf8'), { merge: true });
const CONFIG = parse(readFileSync('deploy/compose/headroute/headroute.yaml', 'utf8'));
const HOSTS: Record<string, string> = { 0: '127.0.0.51', 1: '127.0.0.52', 2: '127.0.0.53' };

afterEach(stopAll);

/** The address of a service on loopback: one for each Redis and the Sentinel beside it. */
function hostOf(service: string): string {
  return HOSTS[service.at(-1)!]!;
}

/** Starts a service by its own command, but for names and ports. */
async function start(service: string, port: number, redisPort: number): Promise<Child> {
  const { command, environment } = services[service] as {
    command: string[];
    environment: Record<string, string>;
  };
  const folder = mkdtempSync(join(tmpdir(), `headroute-${service}-`));
  const names = Object.entries(environment).map(([key, name]) => [key, hostOf(name)]);
  const script = resolve('deploy/compose', `redis/${command.at(-1)!.replace('/start/', '')}`);
  const redis = requireTool('redis-server');
  const child = new Child(service, 'sh', ['-c', `cd ${folder} && exec sh ${script}`], {
    ...toolEnvironment('redis-server'),
    ...Object.fromEntries(names),
    PATH: `${redis.slice(0, redis.lastIndexOf('/'))}:${process.env.PATH}`,
    BIND: hostOf(service),
    PORT: String(port),
    FOLLOWS_PORT: String(redisPort),
    MASTER_PORT: String(redisPort),
  });
  await kept({
    async stop() {
      await child.end('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  });
  await eventually(async () => {
    child.assertRunning();
    return (await askOnce({ host: hostOf(service), port }, 'PING')) === '+PONG';
  }, `${service} answers`);
  return child;
}

it('writes go to the master, reads to a replica, and when the master is killed to the next one', async () => {
  const [redisPort, sentinelPort] = (await freePorts(2, Object.values(HOSTS))) as [number, number];
  const started = new Map<string, Child>();
  for (const name of Object.keys(services).filter((service) => /^(redis|sentinel)-/.test(service)))
    started.set(name, await start(name, name.startsWith('redis') ? redisPort : sentinelPort, redisPort));
  const dns = await startDnsServer();
  await kept({ stop: () => dns.close() });
  for (const name of started.keys()) dns.setRecords(name, 'A', [hostOf(name)], 1);

  const [backend] = structuredClone(CONFIG.backends);
  const [writes, reads] = CONFIG.listeners;
  backend.discovery.nameservers = [`${dns.address.host}:${dns.address.port}`];
  for (const pod of backend.discovery.static) pod.address = pod.address.replace(/\d+$/, String(redisPort));
  for (const pod of backend.leader.sentinel.static)
    pod.address = pod.address.replace(/\d+$/, String(sentinelPort));
  const listener = { protocol: 'TCP' } as const;
  const master = await kept(Headroute.start({ backends: [backend], listener, rules: writes.rules }));
  const replicas = await kept(Headroute.start({ backends: [backend], listener, rules: reads.rules }));
  await eventually(async () => (await master.leader()) === 'redis-0', 'redis-0 leads');
  await eventually(async () => (await replicas.readyPods()).length === 3, 'all are ready');
  // Sentinels find each other and the replicas; before that they elect nobody.
  for (const name of ['sentinel-0', 'sentinel-1', 'sentinel-2'])
    await eventually(async () => {
      const port = sentinelPort;
      const said = (await askOnce({ host: hostOf(name), port }, 'SENTINEL MASTER mymaster')).split('\r\n');
      const value = (key: string) => said[said.indexOf(key) + 2];
      return value('num-slaves') === '2' && value('num-other-sentinels') === '2';
    }, `${name} knows all`);

  const before = await RedisClient.connect(master.address);
  expect(await before.ask('SET greeting hello')).toBe('+OK');
  expect(await before.ask('WAIT 2 5000')).toBe(':2');
  const read = await RedisClient.connect(replicas.address);
  await eventually(async () => (await replicas.leader()) === 'redis-0', 'the reader knows the master');
  expect(await read.ask('ROLE')).toContain('slave');
  expect(await read.ask('GET greeting')).toBe('$5\r\nhello');

  await started.get('redis-0')!.end('SIGKILL');
  dns.setRecords('redis-0', 'A', null);
  await before.ended;
  // Held until Sentinel has promoted another one; where that takes longer than a hold, asked again.
  const next = await eventually(async () => {
    const client = await RedisClient.connect(master.address);
    return (await client.ask('SET greeting again')) === '+OK' && client;
  }, 'a write is taken');
  expect(await next.ask('ROLE')).toContain('master');
  const leader = await eventually(() => master.leader(), 'there is a leader');
  expect(['redis-1', 'redis-2']).toContain(leader);
});
