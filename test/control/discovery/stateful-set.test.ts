import { describe, expect, it } from 'vitest';
import { backendFor, dnsServer, moreQueries, pods, SERVICE, until, watch } from '../../helpers/dns.ts';

describe('a StatefulSet by name', () => {
  const statefulSet = { name: 'db', replicas: 3, start: 5 };

  it('asks for each name from `start` on; NXDOMAIN of one is that Pod missing from one answer', async () => {
    const server = await dnsServer();
    server.setService(SERVICE, null, 80, pods(3, 5));
    const watched = watch(backendFor([server.address], 80, { statefulSet, absence: 3 }));
    await until(() => watched.attempts() === 1, 'first look-up');
    expect(watched.members().map((m) => [m.name, m.ordinal])).toEqual([
      ['db-5', 5],
      ['db-6', 6],
      ['db-7', 7],
    ]);
    expect(new Set(server.queries.map((query) => query.type))).toEqual(new Set(['A', 'AAAA']));
    let gone = 0;
    server.onQuery = (query) => {
      if (!query.name.startsWith('db-6') || query.type !== 'A') return { do: 'answer' };
      gone++;
      return gone <= 2 ? { do: 'rcode', rcode: 'NXDOMAIN' } : { do: 'answer' };
    };
    await until(() => gone > 4, 'two gaps and then answers');
    expect(watched.sets).toHaveLength(1);
    server.setService(SERVICE, null, 80, pods(3, 5).slice(0, 1));
    await until(() => watched.names().join() === 'db-5', 'the others gone');
  });

  it('all NXDOMAIN is empty: held for emptyHold; failures change nothing', async () => {
    const server = await dnsServer();
    server.setService(SERVICE, null, 80, pods(3, 5));
    const watched = watch(backendFor([server.address], 80, { statefulSet, absence: 1, emptyHoldMs: 250 }));
    await until(() => watched.names().length === 3, 'three Pods');
    server.onQuery = () => ({ do: 'rcode', rcode: 'SERVFAIL' });
    await moreQueries(server, 'A', 9);
    server.onQuery = () => ({ do: 'rcode', rcode: 'NXDOMAIN' });
    const startedAt = performance.now();
    await until(() => watched.names().length === 0, 'believed');
    expect(performance.now() - startedAt).toBeGreaterThan(150);
  });

  it('a named port is looked up, and remembered while SRV has no record', async () => {
    const server = await dnsServer();
    server.setService(SERVICE, 'http', 8123, pods(3, 5));
    const watched = watch(backendFor([server.address], 'http', { statefulSet }));
    await until(() => watched.names().length === 3, 'three Pods');
    expect(watched.members().map((m) => m.port)).toEqual([8123, 8123, 8123]);
    server.onQuery = (query) =>
      query.type === 'SRV' ? { do: 'rcode', rcode: 'NXDOMAIN' } : { do: 'answer' };
    await moreQueries(server, 'SRV', 4);
    expect(watched.sets).toHaveLength(1);
  });
});
