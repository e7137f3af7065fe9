/**
 * What a backend's members become, over real sockets against the embedded server. D ids: dns-cases.json (CoreDNS,
 * nginx-tests, RFCs); N ids: reports from the field (thanos#3766, linkerd2-proxy#2864, kubernetes#33790, #56903,
 * node#14535, coredns#7091, kubernetes/dns#472).
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
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

describe('a named port (SRV)', () => {
  it('finds each Pod with its ordinal, addresses and port', async () => {
    const server = await dnsServer();
    server.setService(SERVICE, 'http', 8080, [
      ...pods(2),
      { name: 'db-2', addresses: ['127.0.0.1'], port: 9001 },
    ]);
    const watched = watch(backendFor([server.address], 'http'));
    await until(() => watched.attempts() === 1, 'first look-up');
    expect(watched.members()).toEqual([
      {
        key: `db-0.${SERVICE}|8080`,
        name: 'db-0',
        named: true,
        dnsName: `db-0.${SERVICE}`,
        ordinal: 0,
        addresses: ['127.0.0.1'],
        port: 8080,
      },
      expect.objectContaining({ name: 'db-1', ordinal: 1, addresses: ['127.0.0.2'], port: 8080 }),
      expect.objectContaining({ name: 'db-2', ordinal: 2, addresses: ['127.0.0.1'], port: 9001 }),
    ]);
    expect(server.queries.map((query) => `${query.type} ${query.name}`)).toEqual([`SRV ${SRV}`]);
    expect(watched.discovery.report()).toMatchObject({ question: `SRV ${SRV}.`, lastError: null });
    expect(watched.discovery.report().lastSuccessAtMs).not.toBeNull();
  });

  it('D23 reads ordinals from <statefulset>-<n> only', async () => {
    const server = await dnsServer();
    server.setService(SERVICE, 'http', 80, [
      { name: 'db-0', addresses: ['10.0.0.1'] },
      { name: '', addresses: ['10.0.0.5'] },
      { name: '', addresses: ['5678:abcd::1'] },
      { name: 'web-7d4b9c6f5-x2x9z', addresses: ['10.0.0.6'] },
      { name: 'db-01', addresses: ['10.0.0.7'] },
    ]);
    const watched = watch(backendFor([server.address], 'http'));
    await until(() => watched.attempts() === 1, 'first look-up');
    expect(Object.fromEntries(watched.members().map((m) => [m.name, [m.ordinal, m.named]]))).toEqual({
      'db-0': [0, true],
      '10.0.0.5': [-1, false],
      '5678:abcd::1': [-1, false],
      'web-7d4b9c6f5-x2x9z': [-1, true],
      'db-01': [-1, true],
    });
  });

  it('N1 one target without an address loses only itself', async () => {
    const server = await dnsServer();
    const target = (n: number) => `db-${n}.${SERVICE}`;
    server.setRecords(
      SRV,
      'SRV',
      [0, 1, 2].map((n) => ({ port: 80, target: target(n) })),
    );
    server.setRecords(target(0), 'A', ['10.0.0.1']);
    server.setRecords(target(2), 'A', ['10.0.0.3']);
    const watched = watch(backendFor([server.address], 'http'));
    await until(() => watched.attempts() === 1, 'first look-up');
    expect(watched.names()).toEqual(['db-0', 'db-2']);
  });

  it.each(['SERVFAIL', 'drop'])(
    'N1 one target whose look-up fails (%s) keeps its addresses, delays nobody',
    async (how) => {
      const server = await dnsServer();
      const target = (n: number) => `db-${n}.${SERVICE}`;
      const set = (count: number): void =>
        server.setRecords(
          SRV,
          'SRV',
          Array.from({ length: count }, (_, n) => ({ port: 80, target: target(n) })),
        );
      set(2);
      for (let n = 0; n < 3; n++) server.setRecords(target(n), 'A', [`10.0.0.${n + 1}`]);
      // No glue: the targets must be asked for.
      const withoutGlue = (right: Buffer): Buffer => {
        const bytes = Buffer.from(right);
        bytes.writeUInt16BE(0, 10);
        return bytes;
      };
      let failing = false;
      server.onQuery = (query) => {
        if (query.type === 'SRV') return { do: 'mangle', reply: withoutGlue };
        if (!failing || query.name !== target(1)) return { do: 'answer' };
        return how === 'drop' ? { do: 'drop' } : { do: 'rcode', rcode: 'SERVFAIL' };
      };
      const watched = watch(backendFor([server.address], 'http', { queryTimeoutMs: 300 }));
      await until(() => watched.names().length === 2, 'two Pods');
      failing = true;
      set(3);
      const startedAt = performance.now();
      await until(() => watched.names().length === 3, 'the third Pod');
      expect(performance.now() - startedAt).toBeLessThan(280);
      await moreQueries(server, 'SRV', 3);
      expect(watched.names()).toEqual(['db-0', 'db-1', 'db-2']);
      expect(watched.discovery.report().lastError).toContain('db-1');
    },
  );

  it('N3 three targets with A, A and AAAA are three Pods; one with both is one Pod', async () => {
    const server = await dnsServer();
    server.setService(SERVICE, 'http', 80, [
      { name: 'db-0', addresses: ['10.0.0.1'] },
      { name: 'db-1', addresses: ['10.0.0.2'] },
      { name: 'db-2', addresses: ['fd00::3'] },
      { name: 'db-3', addresses: ['fd00::4', '10.0.0.4'] },
    ]);
    const watched = watch(backendFor([server.address], 'http'));
    await until(() => watched.attempts() === 1, 'first look-up');
    expect(watched.members().map((m) => m.addresses)).toEqual([
      ['10.0.0.1'],
      ['10.0.0.2'],
      ['fd00::3'],
      ['10.0.0.4', 'fd00::4'],
    ]);
  });

  it('N1 a target that loses its address is absent alone, and leaves after `absence` answers', async () => {
    const server = await dnsServer();
    const target = (n: number) => `db-${n}.${SERVICE}`;
    server.setRecords(
      SRV,
      'SRV',
      [0, 1].map((n) => ({ port: 80, target: target(n) })),
    );
    for (const n of [0, 1]) server.setRecords(target(n), 'A', [`10.0.0.${n + 1}`]);
    const watched = watch(backendFor([server.address], 'http', { absence: 3, emptyHoldMs: 0 }));
    await until(() => watched.names().length === 2, 'two Pods');
    const before = server.queries.filter((query) => query.type === 'SRV').length;
    server.setRecords(target(1), 'A', null);
    await until(() => watched.names().join() === 'db-0', 'db-1 gone');
    expect(server.queries.filter((query) => query.type === 'SRV').length - before).toBeGreaterThanOrEqual(3);
    expect(watched.sets).toHaveLength(2);
  });

  it('D02 two IPs of one hostname are kept under it', async () => {
    const server = await dnsServer();
    server.setService(SERVICE, 'http', 80, [{ name: 'dup-name', addresses: ['10.0.0.2', '10.0.0.1'] }]);
    const watched = watch(backendFor([server.address], 'http'));
    await until(() => watched.attempts() === 1, 'first look-up');
    expect(watched.members().map((m) => m.addresses)).toEqual([['10.0.0.1', '10.0.0.2']]);
  });

  it('glue that lacks a family known before is no proof that it is gone', async () => {
    const server = await dnsServer();
    server.setService(SERVICE, 'http', 80, [{ name: 'db-0', addresses: ['10.0.0.1', 'fd00::1'] }]);
    const watched = watch(backendFor([server.address], 'http', { absence: 1 }));
    await until(() => watched.names().length === 1, 'one Pod');
    server.onQuery = (query) =>
      query.type !== 'SRV'
        ? { do: 'answer' }
        : {
            do: 'mangle',
            // Leaves out the last two records: OPT and the AAAA.
            reply: (right) => {
              const bytes = Buffer.from(right.subarray(0, right.length - 11 - 28));
              bytes.writeUInt16BE(1, 10);
              return bytes;
            },
          };
    await moreQueries(server, 'AAAA', 3);
    expect(watched.count('SRV', 'malformed')).toBe(0);
    expect(watched.sets).toHaveLength(1);
  });

  it('a target of "." is an empty answer, a port of 0 is skipped, doubles are one Pod', async () => {
    const server = await dnsServer();
    server.setRecords(SRV, 'SRV', [
      { port: 80, target: '.' },
      { port: 0, target: `db-0.${SERVICE}` },
    ]);
    server.setRecords(`db-0.${SERVICE}`, 'A', ['10.0.0.1']);
    const watched = watch(backendFor([server.address], 'http'));
    await until(() => watched.attempts() === 1, 'first look-up');
    expect(watched.sets).toEqual([]);
    expect(watched.discovery.report().lastError).toContain('names no target');
    server.setRecords(SRV, 'SRV', [
      { port: 80, target: `db-0.${SERVICE}`, weight: 1 },
      { port: 80, target: `DB-0.${SERVICE}.`, weight: 2 },
    ]);
    await until(() => watched.names().length === 1, 'one Pod');
  });

  it('an address that moves to another name is another Pod, at once', async () => {
    const server = await dnsServer();
    server.setService(SERVICE, 'http', 80, pods(2));
    const watched = watch(backendFor([server.address], 'http', { absence: 10 }));
    await until(() => watched.names().length === 2, 'two Pods');
    server.setService(SERVICE, 'http', 80, [pods(1)[0]!, { name: 'db-5', addresses: ['127.0.0.2'] }]);
    await until(() => watched.names().includes('db-5'), 'db-5');
    expect(watched.names()).toEqual(['db-0', 'db-5']);
  });

  it('D26 a name echoed in another case is the same name', async () => {
    const server = await dnsServer();
    server.setService(SERVICE, 'http', 80, pods(1));
    server.onQuery = () => ({
      do: 'mangle',
      reply: (right) => {
        const bytes = Buffer.from(right);
        for (let i = 12; i < bytes.indexOf(0, 12); i++) if (bytes[i]! >= 97) bytes[i]! -= 32;
        return bytes;
      },
    });
    const watched = watch(backendFor([server.address], 'http'));
    await until(() => watched.names().join() === 'db-0', 'db-0');
  });
});

describe('a numeric port (A, AAAA, PTR)', () => {
  it('D01 D25 a shuffled answer is no change; one query per family per round, PTR once per address', async () => {
    const server = await dnsServer();
    server.setService(SERVICE, null, 80, pods(3));
    const watched = watch(backendFor([server.address], 8080));
    await until(() => watched.attempts() === 1, 'first look-up');
    expect(watched.members().map((m) => [m.name, m.ordinal, m.port])).toEqual([
      ['db-0', 0, 8080],
      ['db-1', 1, 8080],
      ['db-2', 2, 8080],
    ]);
    server.setService(SERVICE, null, 80, pods(3).reverse());
    await moreQueries(server, 'A', 3);
    expect(watched.sets).toHaveLength(1);
    const count = (type: string): number => server.queries.filter((query) => query.type === type).length;
    expect(count('PTR')).toBe(3);
    expect(Math.abs(count('A') - count('AAAA'))).toBeLessThanOrEqual(1);
    expect(new Set(server.queries.filter((q) => q.type !== 'PTR').map((q) => q.name))).toEqual(
      new Set([SERVICE]),
    );
  });

  it('D02 the same IP twice is one Pod; two IPs of one hostname are one Pod with both', async () => {
    const server = await dnsServer();
    server.setRecords(SERVICE, 'A', ['10.0.0.1', '10.0.0.1', '10.0.0.2', '10.0.0.3']);
    server.setRecords('1.0.0.10.in-addr.arpa', 'PTR', [`dup.${SERVICE}`]);
    server.setRecords('2.0.0.10.in-addr.arpa', 'PTR', [`dup.${SERVICE}`]);
    const watched = watch(backendFor([server.address], 80));
    await until(() => watched.attempts() === 1, 'first look-up');
    expect(watched.members().map((m) => [m.name, m.addresses])).toEqual([
      ['10.0.0.3', ['10.0.0.3']],
      ['dup', ['10.0.0.1', '10.0.0.2']],
    ]);
  });

  it("A and AAAA of one name are one Pod; of several PTR names the own Service's counts", async () => {
    const server = await dnsServer();
    server.setService(SERVICE, null, 80, [{ name: 'db-0', addresses: ['10.0.0.1', 'fd00::1'] }]);
    server.setRecords('1.0.0.10.in-addr.arpa', 'PTR', [`a-9.other.svc`, `db-0.${SERVICE}`]);
    const watched = watch(backendFor([server.address], 80));
    await until(() => watched.attempts() === 1, 'first look-up');
    expect(watched.members().map((m) => [m.name, m.addresses])).toEqual([['db-0', ['10.0.0.1', 'fd00::1']]]);
  });

  it('D03 no AAAA records at all: that family is empty, IPv4 untouched', async () => {
    const server = await dnsServer();
    server.setService(SERVICE, null, 80, pods(3));
    const watched = watch(backendFor([server.address], 80));
    await moreQueries(server, 'AAAA', 4);
    expect(watched.sets).toHaveLength(1);
    expect(watched.count('AAAA', 'empty')).toBeGreaterThan(2);
  });

  it('an IPv6-only Service works, and an AAAA answer keeps an empty A from being "empty"', async () => {
    const server = await dnsServer();
    server.setService(SERVICE, null, 80, [{ name: 'db-0', addresses: ['fd00::1'] }]);
    const watched = watch(backendFor([server.address], 80, { emptyHoldMs: 0, absence: 1 }));
    await moreQueries(server, 'A', 4);
    expect(watched.sets).toHaveLength(1);
    expect(watched.members()[0]).toMatchObject({ name: 'db-0', addresses: ['fd00::1'] });
  });

  it.each(['SERVFAIL', 'drop'])(
    'N4 AAAA fails always (%s): three Pods, without delay, counted under AAAA',
    async (how) => {
      const server = await dnsServer();
      server.setService(SERVICE, null, 80, pods(3));
      server.onQuery = (query) =>
        query.type !== 'AAAA'
          ? { do: 'answer' }
          : how === 'drop'
            ? { do: 'drop' }
            : { do: 'rcode', rcode: 'SERVFAIL' };
      const startedAt = performance.now();
      const watched = watch(backendFor([server.address], 80, { queryTimeoutMs: 500 }));
      await until(() => watched.names().length === 3, 'three Pods');
      expect(performance.now() - startedAt).toBeLessThan(300);
      expect(watched.attempts()).toBe(1);
      await until(() => watched.count('AAAA', how === 'drop' ? 'timeout' : 'servfail') > 0, 'counted');
      expect(watched.count('A', 'success')).toBeGreaterThan(0);
    },
  );

  it('N4 a lasting NXDOMAIN is believed although AAAA always fails', async () => {
    const server = await dnsServer();
    server.setService(SERVICE, null, 80, pods(3));
    server.onQuery = (query) =>
      query.type === 'AAAA' ? { do: 'rcode', rcode: 'SERVFAIL' } : { do: 'answer' };
    const watched = watch(backendFor([server.address], 80, { emptyHoldMs: 100 }));
    await until(() => watched.names().length === 3, 'three Pods');
    server.setService(SERVICE, null, 80, []);
    await until(() => watched.names().length === 0, 'nobody');
  });

  it('A that fails while a broken server says NXDOMAIN of AAAA (RFC 4074) is a failure', async () => {
    const server = await dnsServer();
    server.setService(SERVICE, null, 80, pods(3));
    const watched = watch(backendFor([server.address], 80, { emptyHoldMs: 0, absence: 1 }));
    await until(() => watched.names().length === 3, 'three Pods');
    server.onQuery = (query) => ({ do: 'rcode', rcode: query.type === 'AAAA' ? 'NXDOMAIN' : 'SERVFAIL' });
    await moreQueries(server, 'A', 3);
    expect(watched.sets).toHaveLength(1);
    server.onQuery = (query) =>
      query.type === 'AAAA' ? { do: 'rcode', rcode: 'NXDOMAIN' } : { do: 'answer' };
    await moreQueries(server, 'A', 3);
    expect(watched.sets).toHaveLength(1);
  });

  it('a family that fails later keeps its addresses', async () => {
    const server = await dnsServer();
    server.setService(SERVICE, null, 80, [{ name: 'db-0', addresses: ['10.0.0.1', 'fd00::1'] }]);
    const watched = watch(backendFor([server.address], 80, { absence: 1 }));
    await until(() => watched.attempts() === 1, 'first look-up');
    server.onQuery = (query) =>
      query.type === 'AAAA' ? { do: 'rcode', rcode: 'REFUSED' } : { do: 'answer' };
    await moreQueries(server, 'A', 3);
    expect(watched.sets).toHaveLength(1);
    expect(watched.discovery.report().lastError).toContain('REFUSED');
  });

  it('an address whose PTR fails is a Pod without a name, and gets its name later', async () => {
    const server = await dnsServer();
    server.setService(SERVICE, null, 80, pods(1));
    server.onQuery = (query) =>
      query.type === 'PTR' ? { do: 'rcode', rcode: 'SERVFAIL' } : { do: 'answer' };
    const watched = watch(backendFor([server.address], 80));
    await until(() => watched.attempts() === 1, 'first look-up');
    expect(watched.members()[0]).toMatchObject({ name: '127.0.0.1', named: false, ordinal: -1 });
    server.onQuery = null;
    await until(() => watched.names().join() === 'db-0', 'its name');
  });

  it('an address that leaves and comes back is asked for its name again', async () => {
    const server = await dnsServer();
    server.setService(SERVICE, null, 80, pods(2));
    const watched = watch(backendFor([server.address], 80, { absence: 1 }));
    await until(() => watched.names().length === 2, 'two Pods');
    server.setService(SERVICE, null, 80, pods(1));
    await until(() => watched.names().length === 1, 'one Pod');
    server.setService(SERVICE, null, 80, [...pods(1), { name: 'db-7', addresses: ['127.0.0.2'] }]);
    await until(() => watched.names().join() === 'db-0,db-7', 'another Pod on that address');
  });

  it('one PTR name for many addresses, outside the Service, names nobody', async () => {
    const server = await dnsServer();
    server.setRecords(SERVICE, 'A', ['10.0.0.1', '10.0.0.2', '10.0.0.3']);
    for (const n of [1, 2, 3]) server.setRecords(`${n}.0.0.10.in-addr.arpa`, 'PTR', ['localhost']);
    const watched = watch(backendFor([server.address], 80));
    await until(() => watched.attempts() === 1, 'first look-up');
    expect(watched.names()).toEqual(['10.0.0.1', '10.0.0.2', '10.0.0.3']);
    expect(watched.members().some((member) => member.named)).toBe(false);
  });

  it('0.0.0.0 and multicast are no Pods', async () => {
    const server = await dnsServer();
    server.setRecords(SERVICE, 'A', ['0.0.0.0', '224.0.0.1', '10.0.0.1']);
    const watched = watch(backendFor([server.address], 80));
    await until(() => watched.attempts() === 1, 'first look-up');
    expect(watched.names()).toEqual(['10.0.0.1']);
  });

  it('D20 an alias is followed, names under its target are short too', async () => {
    const server = await dnsServer();
    server.setRecords(SERVICE, 'CNAME', ['real.prod.svc.cluster.local']);
    server.setService('real.prod.svc.cluster.local', null, 80, [{ name: 'db-0', addresses: ['10.0.0.1'] }]);
    const watched = watch(backendFor([server.address], 80));
    await until(() => watched.attempts() === 1, 'first look-up');
    expect(watched.members()[0]).toMatchObject({ name: 'db-0', ordinal: 0 });
  });
});

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
    await until(() => performance.now() - startedAt > 500, 'half a second', 2000);
    // At most one round of three tries in 120 ms, and a pause of 10 ms and more between rounds.
    expect(server.queries.length).toBeLessThanOrEqual(3 * Math.ceil(500 / 130) + 3);
    expect(server.queries.length).toBeGreaterThan(3);
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
    expect(Math.max(...gaps)).toBeLessThan(30 + 60); // refresh.max, and a busy machine
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
    for (const [ttl, most] of [
      [0, 8],
      [0x7fffffff, 3],
    ] as const) {
      const server = await dnsServer();
      server.setService(SERVICE, 'http', 80, pods(1), ttl);
      const bounds = { refreshMinMs: 60, refreshMaxMs: 200 };
      watch(backendFor([server.address], 'http', bounds));
      await until(() => server.queries.length > 0, 'the first query');
      const startedAt = performance.now();
      await until(() => performance.now() - startedAt > 400, '400 ms', 2000);
      expect(server.queries.length).toBeGreaterThanOrEqual(2);
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

describe('nameservers', () => {
  it('N6 a nameserver that drops the second datagram of a source port does no harm', async () => {
    const server = await dnsServer();
    server.setService(SERVICE, null, 80, pods(3));
    const lastAt = new Map<number, number>();
    server.onQuery = ({ source }) => {
      const last = lastAt.get(source.port) ?? Number.NEGATIVE_INFINITY;
      lastAt.set(source.port, performance.now());
      return performance.now() - last < 5 ? { do: 'drop' } : { do: 'answer' };
    };
    const startedAt = performance.now();
    const watched = watch(backendFor([server.address], 80));
    await until(() => watched.names().length === 3, 'three Pods');
    expect(performance.now() - startedAt).toBeLessThan(600);
  });

  it('N6 a lost datagram alone is asked for again, within queryTimeout', async () => {
    const server = await dnsServer();
    server.setService(SERVICE, null, 80, pods(3));
    let lost = 0;
    server.onQuery = (query) => (query.type === 'A' && lost++ === 0 ? { do: 'drop' } : { do: 'answer' });
    const startedAt = performance.now();
    const watched = watch(backendFor([server.address], 80));
    await until(() => watched.names().length === 3, 'three Pods');
    expect(performance.now() - startedAt).toBeLessThan(600);
    expect(server.queries.filter((query) => query.type === 'AAAA')).toHaveLength(1);
  });

  it('D28 resolv.conf that appears, changes and vanishes is followed without a restart', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'headroute-dns-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const path = join(folder, 'resolv.conf');
    const deps = { ...testDeps(), resolvConf: path };
    const watched = watch(backendFor(null, 'http'), deps);
    await until(() => watched.attempts() === 1, 'a first look-up that failed');
    expect(watched.discovery.report().lastError).toContain('no nameserver');
    expect(watched.count('SRV', 'error')).toBeGreaterThan(0);
    // Port 53 of a loopback address that nobody listens on: refused, which shows that the file was read.
    await writeFile(`${path}.new`, 'search prod.svc\noptions ndots:5\nnameserver 127.0.0.77\n');
    await rename(`${path}.new`, path);
    await until(
      () => watched.discovery.report().lastError?.includes('127.0.0.77') ?? false,
      'the first server',
    );
    await writeFile(path, 'nameserver 127.0.0.78\n');
    await until(
      () => watched.discovery.report().lastError?.includes('127.0.0.78') ?? false,
      'the second server',
    );
    await rm(path);
    const before = watched.count('SRV', 'error');
    await until(() => watched.count('SRV', 'error') > before + 2, 'it goes on');
    expect(watched.discovery.report().lastError).toContain('127.0.0.78');
  });

  it('D28 a server that is unreachable at first: the attempt ends, and Pods are found once it is there', async () => {
    const holder = createSocket('udp4');
    holder.bind(0, '127.0.0.1');
    await once(holder, 'listening');
    const { port } = holder.address();
    await new Promise<void>((done) => holder.close(() => done()));
    const watched = watch(backendFor([{ host: '127.0.0.1', port }], 'http'));
    await until(() => watched.attempts() === 1, 'the first attempt');
    expect(watched.sets).toEqual([]);
    const server = await dnsServer({ port });
    server.setService(SERVICE, 'http', 80, pods(3));
    await until(() => watched.names().length === 3, 'three Pods');
    expect(watched.attempts()).toBe(1);
  });
});

it('refreshSoon asks again before the TTL is over', async () => {
  const server = await dnsServer();
  server.setService(SERVICE, 'http', 80, pods(1));
  const watched = watch(backendFor([server.address], 'http', { refreshMinMs: 20, refreshMaxMs: 30_000 }));
  await until(() => watched.names().length === 1, 'one Pod');
  server.setService(SERVICE, 'http', 80, pods(2));
  watched.discovery.refreshSoon();
  await until(() => watched.names().length === 2, 'two Pods', 500);
});

it('close stops the queries and says nothing more', async () => {
  const server = await dnsServer();
  server.setService(SERVICE, 'http', 80, pods(1));
  const watched = watch(backendFor([server.address], 'http'));
  await until(() => watched.names().length === 1, 'one Pod');
  server.onQuery = () => ({ do: 'delay', ms: 20 });
  await moreQueries(server, 'SRV', 1);
  watched.discovery.close();
  server.setService(SERVICE, 'http', 80, pods(2));
  const before = server.queries.length;
  const startedAt = performance.now();
  await until(() => performance.now() - startedAt > 150, '150 ms');
  expect(server.queries.length).toBe(before);
  expect(watched.sets).toHaveLength(1);
});
