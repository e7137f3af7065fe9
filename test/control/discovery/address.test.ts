import { describe, expect, it } from 'vitest';
import { backendFor, dnsServer, moreQueries, pods, SERVICE, until, watch } from '../../helpers/dns.ts';
import { loopNowMs } from '../../helpers/waiting.ts';

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
      const startedAt = loopNowMs();
      const watched = watch(backendFor([server.address], 80, { queryTimeoutMs: 600 }));
      await until(() => watched.names().length === 3, 'three Pods');
      expect(loopNowMs() - startedAt).toBeLessThan(550);
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
