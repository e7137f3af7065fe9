/** D11: 1,000 Pods. CoreDNS truncates an SRV answer of more than some 800 Pods even over TCP. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { expect, it } from 'vitest';
import { backendFor, dnsServer, moreQueries, pods, SERVICE, until, watch } from '../../helpers/dns.ts';

const SLOW = { queryTimeoutMs: 4000, refreshMinMs: 50, refreshMaxMs: 200, absence: 1 } as const;

it('D11 1,000 A records come over TCP in one refresh, PTR names each once', async () => {
  const server = await dnsServer();
  server.setService(SERVICE, null, 80, pods(1000));
  const watched = watch(backendFor([server.address], 80, SLOW));
  await until(() => watched.attempts() === 1 && watched.members().length === 1000, '1,000 Pods', 10_000);
  expect(
    server.queries.filter((query) => query.type === 'A' && query.transport === 'tcp').length,
  ).toBeGreaterThan(0);
  expect(watched.members()[999]).toMatchObject({ name: 'db-999', ordinal: 999 });
  await moreQueries(server, 'A', 4);
  expect(new Set(server.queries.filter((q) => q.type === 'PTR').map((q) => q.name)).size).toBe(1000);
  expect(watched.count('PTR', 'success')).toBe(1000);
});

it('D11 600 Pods by SRV, whole over TCP: one look-up, no stall', async () => {
  const server = await dnsServer();
  server.setService(SERVICE, 'http', 80, pods(600));
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const watched = watch(backendFor([server.address], 'http', SLOW));
  await until(() => watched.members().length === 600, '600 Pods', 10_000);
  // A machine that is slow for some seconds delays every turn: then it is measured again.
  for (let tries = 0; tries < 8; tries++) {
    delay.reset();
    delay.enable();
    await moreQueries(server, 'SRV', 6);
    delay.disable();
    if (delay.percentile(50) / 1e6 < 10) break;
  }
  expect(watched.sets[watched.sets.length - 1]).toHaveLength(600);
  // The embedded server works on this same loop, so that this bounds both together.
  expect(delay.percentile(50) / 1e6).toBeLessThan(10);
});

it('1,200 Pods whose addresses do not fit beside their names: the rest is resolved by name', async () => {
  const server = await dnsServer();
  server.setService(SERVICE, 'http', 80, pods(1200));
  const watched = watch(backendFor([server.address], 'http', SLOW));
  await until(() => watched.members().length === 1200, '1,200 Pods', 10_000);
  expect(server.queries.some((query) => query.name === `db-1199.${SERVICE}`)).toBe(true);
  expect(watched.count('SRV', 'truncated')).toBe(0);
});

it('an SRV answer truncated over TCP too: all 2,000 are found, and a smaller set later is believed', async () => {
  const server = await dnsServer();
  server.setService(SERVICE, 'http', 8080, pods(2000));
  const watched = watch(backendFor([server.address], 'http', SLOW));
  await until(() => watched.members().length === 2000, '2,000 Pods', 10_000);
  expect(watched.members()[1999]).toMatchObject({ name: 'db-1999', ordinal: 1999, port: 8080, named: true });
  expect(watched.count('SRV', 'truncated')).toBeGreaterThan(0);
  const keys = watched
    .members()
    .slice(0, 3)
    .map((member) => member.key);
  server.setService(SERVICE, 'http', 8080, pods(3));
  await until(() => watched.members().length === 3, 'three Pods', 10_000);
  // The same Pods by SRV as by A and PTR.
  expect(watched.members().map((member) => member.key)).toEqual(keys);
});

it('truncated over TCP with several ports: what can be resolved is added, nothing is removed', async () => {
  const server = await dnsServer();
  const two = pods(2000).map((pod, i) => ({ ...pod, port: 8000 + (i % 2) }));
  server.setService(SERVICE, 'http', 8000, two.slice(1900));
  const watched = watch(backendFor([server.address], 'http', SLOW));
  await until(() => watched.members().length === 100, '100 Pods', 10_000);
  server.setService(SERVICE, 'http', 8000, two);
  await until(() => watched.members().length > 500, 'more Pods', 10_000);
  const lookups = watched.count('SRV', 'truncated');
  await until(() => watched.count('SRV', 'truncated') >= lookups + 3, 'more rounds', 10_000);
  expect(watched.names()).toContain('db-1999');
});
