/** Rounds over real DNS: what makes a round fail, what its members are, and when the next one comes. */
import { describe, expect, it } from 'vitest';
import { reverseName } from '../../../src/control/discovery/wire/reverse-name.ts';
import type { Logger } from '../../../src/platform/logger.ts';
import {
  backendFor,
  dnsServer,
  moreQueries,
  pods,
  SERVICE,
  testDeps,
  until,
  watch,
} from '../../helpers/dns.ts';

const SRV = `_http._tcp.${SERVICE}`;
const target = (n: number): string => `db-${n}.${SERVICE}`;
const BELIEVE_AT_ONCE = { absence: 1, emptyHoldMs: 0 };

describe('members', () => {
  it('a Service whose only targets fail to resolve is not empty: the round failed', async () => {
    const server = await dnsServer();
    server.setService(SERVICE, 'http', 80, pods(2));
    const watched = watch(backendFor([server.address], 'http', BELIEVE_AT_ONCE));
    await until(() => watched.names().length === 2, 'two Pods');
    server.setRecords(SRV, 'SRV', [{ port: 80, target: target(7) }]);
    server.onQuery = (query) =>
      query.name === target(7) ? { do: 'rcode', rcode: 'SERVFAIL' } : { do: 'answer' };
    await moreQueries(server, 'SRV', 5);
    expect(watched.names()).toEqual(['db-0', 'db-1']);
    expect(watched.discovery.report().lastError).toContain('db-7');
  });

  it('an address that no Pod can have is left out, and its Pod with it', async () => {
    const server = await dnsServer();
    server.setService(SERVICE, 'http', 80, [
      { name: 'db-0', addresses: ['10.0.0.1'] },
      { name: 'db-1', addresses: ['0.0.0.0'] },
      { name: 'db-2', addresses: ['10.0.0.3', '224.0.0.1'] },
    ]);
    const watched = watch(backendFor([server.address], 'http'));
    await until(() => watched.attempts() === 1, 'first look-up');
    expect(watched.members().map(({ name, addresses }) => [name, ...addresses])).toEqual([
      ['db-0', '10.0.0.1'],
      ['db-2', '10.0.0.3'],
    ]);
  });

  it('an A and an AAAA record of one foreign name are one Pod; two A records are two', async () => {
    const server = await dnsServer();
    server.setRecords(SERVICE, 'A', ['10.0.0.1', '10.0.0.2', '10.0.0.3']);
    server.setRecords(SERVICE, 'AAAA', ['fd00::1']);
    for (const address of ['10.0.0.1', 'fd00::1'])
      server.setRecords(reverseName(address), 'PTR', ['one.example']);
    for (const address of ['10.0.0.2', '10.0.0.3'])
      server.setRecords(reverseName(address), 'PTR', ['many.example']);
    const watched = watch(backendFor([server.address], 80));
    const shown = (): string[] =>
      watched
        .members()
        .map(({ addresses }) => addresses.join(' '))
        .sort();
    await until(() => shown().includes('10.0.0.1 fd00::1'), 'one Pod with both');
    expect(shown()).toEqual(['10.0.0.1 fd00::1', '10.0.0.2', '10.0.0.3']);
  });

  it('a Pod of a StatefulSet that SRV does not show has the port of the others', async () => {
    const server = await dnsServer();
    server.setService(SERVICE, 'http', 4711, pods(1));
    for (const n of [0, 1]) server.setRecords(target(n), 'A', [`10.0.0.${n + 1}`]);
    const statefulSet = { name: 'db', replicas: 2, start: 0 };
    const watched = watch(backendFor([server.address], 'http', { statefulSet }));
    await until(() => watched.names().length === 2, 'both');
    expect(watched.members().map(({ port }) => port)).toEqual([4711, 4711]);
  });
});

describe('the next round', () => {
  it.each(['http', 80] as const)('port %s: comes when the shortest TTL is over', async (port) => {
    const server = await dnsServer();
    server.setService(SERVICE, 'http', 80, pods(2), 0);
    const watched = watch(backendFor([server.address], port, { refreshMaxMs: 60_000 }));
    await until(() => watched.names().length === 2, 'two Pods');
    await moreQueries(server, port === 80 ? 'A' : 'SRV', 3);
  });

  it('SRV records with a shorter TTL than their glue: theirs counts', async () => {
    const server = await dnsServer();
    server.setService(SERVICE, 'http', 80, pods(2), 300);
    server.setRecords(
      SRV,
      'SRV',
      [0, 1].map((n) => ({ port: 80, target: target(n) })),
      0,
    );
    watch(backendFor([server.address], 'http', { refreshMaxMs: 60_000 }));
    await moreQueries(server, 'SRV', 3);
  });

  it('comes when an emptiness is to be believed, whatever the TTL of the empty answer', async () => {
    const server = await dnsServer();
    server.setService(SERVICE, 'http', 80, pods(2), 0);
    const watched = watch(backendFor([server.address], 'http', { refreshMaxMs: 60_000, emptyHoldMs: 400 }));
    await until(() => watched.names().length === 2, 'two Pods');
    // The zone's own negative TTL is 5 s.
    server.setService(SERVICE, 'http', 80, []);
    await until(() => watched.names().length === 0, 'nobody');
  });
});

it('an outage is logged when it begins and when it ends, not with every round', async () => {
  const server = await dnsServer();
  server.setService(SERVICE, 'http', 80, pods(1));
  const said: string[] = [];
  const say =
    (level: string) =>
    (_fields: object, message: string): void =>
      void said.push(`${level} ${message}`);
  const logger = { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') } as Logger;
  const watched = watch(backendFor([server.address], 'http'), { ...testDeps(), logger });
  await until(() => watched.names().length === 1, 'the Pod');
  for (let outage = 0; outage < 2; outage++) {
    server.onQuery = () => ({ do: 'rcode', rcode: 'SERVFAIL' });
    await moreQueries(server, 'SRV', 4);
    server.onQuery = null;
    await until(() => watched.discovery.report().lastError === null, 'over');
  }
  const outage = ['warn DNS look-up failed', 'info DNS look-ups succeed again'];
  expect(said).toEqual([...outage, ...outage]);
});
