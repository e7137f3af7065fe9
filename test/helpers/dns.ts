import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { onTestFinished } from 'vitest';
import type { Discovery, Member } from '../../src/control/discovery/contract.ts';
import { createDiscovery } from '../../src/control/discovery/discovery.ts';
import { Membership } from '../../src/control/discovery/membership/membership.ts';
import type { DiscoveryDeps } from '../../src/control/discovery/wire/backend-resolver.ts';
import { type DnsServer, type DnsServerOptions, startDnsServer } from '../../src/demo/dns-server.ts';
import type { BackendConfig, DiscoveryConfig, HostPort } from '../../src/model/config.ts';
import { Metrics } from '../../src/observe/metrics.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { silentLogger } from '../../src/platform/logger.ts';
import { backendConfig } from './config.ts';
import { poll } from './waiting.ts';

export const SERVICE = 'db.prod.svc.cluster.local';

/** A DNS server that is closed with the test. */
export async function dnsServer(options?: DnsServerOptions): Promise<DnsServer> {
  const server = await startDnsServer(options);
  onTestFinished(() => server.close());
  return server;
}

/** A backend that asks quickly; `discovery` overrides. */
export function backendFor(
  nameservers: readonly HostPort[] | null,
  port: string | number,
  discovery: Partial<DiscoveryConfig> = {},
): BackendConfig {
  return backendConfig({
    service: SERVICE,
    port,
    discovery: {
      ...backendConfig().discovery,
      nameservers,
      refreshMinMs: 10,
      refreshMaxMs: 30,
      queryTimeoutMs: 600,
      ...discovery,
    },
  });
}

export function testDeps(): DiscoveryDeps {
  return { clock: systemClock, random: () => 0.5, metrics: new Metrics(), logger: silentLogger };
}

/** A discovery under test and what it said so far. */
export interface Watched {
  readonly discovery: Discovery;
  readonly deps: DiscoveryDeps;
  /** Every published set, oldest first. */
  readonly sets: (readonly Member[])[];
  readonly attempts: () => number;
  /** The members now. */
  members(): readonly Member[];
  names(): string[];
  /** headroute_dns_lookups_total of a type and result. */
  count(type: string, result: string): number;
}

/** Starts a discovery that is closed with the test. */
export function watch(backend: BackendConfig, deps: DiscoveryDeps = testDeps()): Watched {
  const sets: (readonly Member[])[] = [];
  let attempts = 0;
  const events = {
    onMembers: (members: readonly Member[]) => void sets.push(members),
    onAsked: () => void attempts++,
    onRound() {},
  };
  const discovery = createDiscovery(backend, new Membership(backend.discovery), events, deps);
  onTestFinished(() => discovery.close());
  discovery.start();
  return {
    discovery,
    deps,
    sets,
    attempts: () => attempts,
    members: () => sets[sets.length - 1] ?? [],
    names: () => (sets[sets.length - 1] ?? []).map((member) => member.name),
    count: (type, result) => deps.metrics.dnsLookups.with(backend.name, type, result).value,
  };
}

/** Waits until `condition` holds; polls, as DNS rounds have no event. */
export async function until(condition: () => boolean, what: string, withinMs = 3000): Promise<void> {
  await poll(condition, what, withinMs);
}

/** Waits until `rounds` more queries of a type have come in. */
export async function moreQueries(server: DnsServer, type: string, rounds: number): Promise<void> {
  const count = (): number => server.queries.filter((query) => query.type === type).length;
  const before = count();
  await until(() => count() >= before + rounds, `${rounds} more ${type} queries`);
}

/** A datagram server without any manners: `reply` gets each query and a sender. Closed with the test. */
export async function rawUdpServer(
  reply: (query: Buffer, send: (bytes: Buffer) => void, from: HostPort) => void,
): Promise<HostPort> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  onTestFinished(() => new Promise<void>((done) => socket.close(() => done())));
  socket.on('message', (query, from) => {
    reply(query, (bytes) => socket.send(bytes, from.port, from.address), {
      host: from.address,
      port: from.port,
    });
  });
  return { host: '127.0.0.1', port: socket.address().port };
}

/** The case's message with the query's id and question type put in. */
export function withId(hex: string, query: Buffer): Buffer {
  const bytes = Buffer.from(hex, 'hex');
  query.copy(bytes, 0, 0, 2);
  return bytes;
}

/** Pods `db-0` … on 127.0.0.x. */
export function pods(count: number, start = 0): { name: string; addresses: string[] }[] {
  return Array.from({ length: count }, (_, i) => ({
    name: `db-${start + i}`,
    addresses: [`127.0.${(start + i + 1) >> 8}.${(start + i + 1) & 255}`],
  }));
}
