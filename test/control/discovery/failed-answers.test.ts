import { describe, expect, it } from 'vitest';
import { backendFor, dnsServer, moreQueries, pods, SERVICE, until, watch } from '../../helpers/dns.ts';
import { pause } from '../../helpers/waiting.ts';

describe('answers that say nothing, or nobody', () => {
  it.each([
    ['D05 SERVFAIL', 'servfail', { do: 'rcode', rcode: 'SERVFAIL' }],
    ['D06 REFUSED', 'refused', { do: 'rcode', rcode: 'REFUSED' }],
    ['D07 silence', 'timeout', { do: 'drop' }],
    ['D09 truncated, TCP closes', 'truncated', null],
    [
      'D14 malformed',
      'malformed',
      { do: 'mangle', reply: (right: Buffer) => right.subarray(0, right.length - 1) },
    ],
  ] as const)(
    '%s: the set stays, a metric counts, queries go on, and it recovers',
    async (_, result, behaviour) => {
      const server = await dnsServer();
      server.setService(SERVICE, 'http', 80, pods(3));
      const backend = backendFor([server.address], 'http', {
        absence: 1,
        emptyHoldMs: 0,
        queryTimeoutMs: 90,
      });
      const watched = watch(backend);
      await until(() => watched.names().length === 3, 'three Pods');
      server.onQuery = (query) =>
        behaviour ??
        (query.transport === 'udp' ? { do: 'truncate', keep: 1 } : { do: 'raw', bytes: Buffer.from([0, 9]) });
      await until(() => watched.count('SRV', result) >= 3, `counted as ${result}`);
      expect(watched.sets).toHaveLength(1);
      expect(watched.discovery.report().lastError).not.toBeNull();
      server.onQuery = null;
      server.setService(SERVICE, 'http', 80, pods(4));
      await until(() => watched.names().length === 4, 'the fourth Pod');
      await until(() => watched.discovery.report().lastError === null, 'no error');
    },
  );

  it('D07 no pile-up: at most three queries under way, however long it lasts', async () => {
    const server = await dnsServer();
    server.onQuery = () => ({ do: 'drop' });
    watch(backendFor([server.address], 'http', { queryTimeoutMs: 120 }));
    const startedAt = performance.now();
    await pause(500);
    await until(() => server.queries.length > 3, 'a second round');
    // At most one round of three tries in 120 ms, and a pause of 10 ms and more between rounds.
    const rounds = Math.ceil((performance.now() - startedAt) / 130);
    expect(server.queries.length).toBeLessThanOrEqual(3 * rounds + 3);
  });

  it('D08 the part of a truncated answer is never membership', async () => {
    const server = await dnsServer();
    server.setService(SERVICE, 'http', 80, pods(3));
    server.onQuery = (query) => (query.transport === 'udp' ? { do: 'truncate', keep: 1 } : { do: 'answer' });
    const watched = watch(backendFor([server.address], 'http', { absence: 1 }));
    await until(() => watched.attempts() === 1, 'first look-up');
    await moreQueries(server, 'SRV', 4);
    expect(watched.sets.map((set) => set.length)).toEqual([3]);
  });

  it('D04 N7 one NXDOMAIN changes nothing and queries go on; a lasting one is believed after emptyHold', async () => {
    const server = await dnsServer();
    server.setService(SERVICE, 'http', 80, pods(3));
    const watched = watch(backendFor([server.address], 'http', { absence: 1, emptyHoldMs: 300 }));
    await until(() => watched.names().length === 3, 'three Pods');
    let once = true;
    server.onQuery = () => {
      const behaviour = once ? ({ do: 'rcode', rcode: 'NXDOMAIN' } as const) : ({ do: 'answer' } as const);
      once = false;
      return behaviour;
    };
    await moreQueries(server, 'SRV', 3);
    expect(watched.sets).toHaveLength(1);
    expect(watched.count('SRV', 'nxdomain')).toBe(1);
    const at = server.queries.map((query) => query.atMs);
    const gaps = at.slice(1).map((time, i) => time - at[i]!);
    expect(Math.max(...gaps)).toBeLessThan(30 + 500); // refresh.max, and a busy machine
    server.onQuery = null;
    const startedAt = performance.now();
    server.setService(SERVICE, 'http', 80, []);
    await until(() => watched.names().length === 0, 'nobody');
    expect(performance.now() - startedAt).toBeGreaterThan(200);
    server.setService(SERVICE, 'http', 80, pods(1));
    await until(() => watched.names().join() === 'db-0', 'back at once');
  });

  it('a shorter answer is believed after `absence` answers', async () => {
    const server = await dnsServer();
    server.setService(SERVICE, 'http', 80, pods(3));
    const watched = watch(backendFor([server.address], 'http', { absence: 3 }));
    await until(() => watched.names().length === 3, 'three Pods');
    const before = server.queries.length;
    server.setService(SERVICE, 'http', 80, pods(2));
    await until(() => watched.names().length === 2, 'two Pods');
    expect(server.queries.length - before).toBeGreaterThanOrEqual(3);
    expect(server.queries.length - before).toBeLessThanOrEqual(5);
  });

  it('D21 a TTL of 0 is refresh.min, a huge one refresh.max', async () => {
    for (const [ttl, everyMs] of [
      [0, 60],
      [0x7fffffff, 200],
    ] as const) {
      const server = await dnsServer();
      server.setService(SERVICE, 'http', 80, pods(1), ttl);
      const bounds = { refreshMinMs: 60, refreshMaxMs: 200 };
      watch(backendFor([server.address], 'http', bounds));
      await until(() => server.queries.length > 0, 'the first query');
      const startedAt = performance.now();
      await pause(400);
      await until(() => server.queries.length >= 2, 'a second query');
      const most = Math.ceil((performance.now() - startedAt) / everyMs) + 1;
      expect(server.queries.length).toBeLessThanOrEqual(most);
    }
  });

  it('D24 N10 unready and terminating Pods that DNS lists are members: health decides about them', async () => {
    const server = await dnsServer();
    server.setService(SERVICE, 'http', 80, pods(3));
    const watched = watch(backendFor([server.address], 'http'));
    await until(() => watched.names().length === 3, 'all three, whatever they answer to probes');
  });

  it('N9 a Pod stays a member as long as its record stays, and leaves with it', async () => {
    const server = await dnsServer();
    server.setService(SERVICE, 'http', 80, pods(3));
    const watched = watch(backendFor([server.address], 'http'));
    await moreQueries(server, 'SRV', 4);
    expect(watched.names()).toContain('db-2');
    server.setService(SERVICE, 'http', 80, pods(2));
    await until(() => !watched.names().includes('db-2'), 'db-2 gone');
  });
});
