/** Servers that refuse, are silent, slow or gone. Case ids: dns-cases.json; sources beside each message in test/helpers/dns-case-messages.ts. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { dnsServer, rawUdpServer, SERVICE, withId } from '../../helpers/dns.ts';
import { addresses, GOOD, resolverFor, THREE } from '../../helpers/dns-resolver.ts';
import { VirtualClock } from '../../helpers/virtual-clock.ts';
import { loopNowMs, poll } from '../../helpers/waiting.ts';

describe('servers that do not answer well', () => {
  it('D05 SERVFAIL is a failure, told at once, one query', async () => {
    const server = await dnsServer();
    server.onQuery = () => ({ do: 'rcode', rcode: 'SERVFAIL' });
    const { a, attempts } = resolverFor([server.address], 2000);
    const startedAt = loopNowMs();
    expect((await a()).result).toBe('servfail');
    expect(loopNowMs() - startedAt).toBeLessThan(500);
    expect(attempts).toEqual(['A servfail']);
    expect(server.queries).toHaveLength(1);
  });

  it.each(['SERVFAIL', 'REFUSED', 'NOTIMP', 'FORMERR'] as const)(
    'D06 %s: the next server is asked',
    async (rcode) => {
      const [bad, good] = [await dnsServer(), await dnsServer()];
      bad.onQuery = () => ({ do: 'rcode', rcode });
      good.setService(SERVICE, null, 80, [{ name: 'db-0', addresses: ['10.0.0.1'] }]);
      const { a } = resolverFor([bad.address, good.address]);
      expect(addresses(await a())).toEqual(['10.0.0.1']);
      expect(addresses(await a())).toEqual(['10.0.0.1']);
      // The server that answered is asked first from then on.
      expect(new Set(bad.queries.map((query) => query.source.port)).size).toBeLessThanOrEqual(2);
      expect(good.queries).toHaveLength(2);
    },
  );

  it.each(['FORMERR', 'NOTIMP'] as const)('D06 %s with EDNS: asked once without', async (rcode) => {
    const server = await dnsServer();
    server.setService(SERVICE, null, 80, [{ name: 'db-0', addresses: ['10.0.0.1'] }]);
    server.onQuery = (query) => (query.ednsSize === null ? { do: 'answer' } : { do: 'rcode', rcode });
    const { a, attempts } = resolverFor([server.address]);
    expect(addresses(await a())).toEqual(['10.0.0.1']);
    expect(server.queries.map((query) => query.ednsSize)).toEqual([1232, null]);
    expect(attempts).toEqual(['A success']);
  });

  it('D06 a server without EDNS that truncates is not given EDNS over TCP either', async () => {
    const server = await dnsServer();
    server.setService(SERVICE, null, 80, [{ name: 'db-0', addresses: ['10.0.0.1'] }]);
    server.onQuery = (query) => {
      if (query.ednsSize !== null) return { do: 'rcode', rcode: 'FORMERR' };
      return query.transport === 'udp' ? { do: 'truncate' } : { do: 'answer' };
    };
    expect(addresses(await resolverFor([server.address]).a())).toEqual(['10.0.0.1']);
  });

  it('D06 a FORMERR that is a bare header is understood', async () => {
    const server = await rawUdpServer((query, send) => {
      const bare = Buffer.from('123480010000000000000000', 'hex');
      send(query.readUInt16BE(10) > 0 ? withId(bare.toString('hex'), query) : withId(GOOD, query));
    });
    expect(addresses(await resolverFor([server]).a())).toEqual(THREE);
  });

  it('D07 silence: three tries, a bounded time, sockets of their own', async () => {
    const ports: number[] = [];
    const server = await rawUdpServer((_query, _send, from) => void ports.push(from.port));
    const clock = new VirtualClock();
    const { a, attempts } = resolverFor([server], 300, clock);
    const answer = a();
    for (let tries = 1; tries <= 3; tries++) {
      await poll(() => ports.length === tries, `try ${tries}`);
      clock.advance(100);
    }
    expect(await answer).toMatchObject({ result: 'timeout' });
    expect(new Set(ports).size).toBe(3);
    expect(attempts).toEqual(['A timeout', 'A timeout', 'A timeout']);
  });

  it('D07 a silent first server costs its share of the time, once', async () => {
    let asked = 0;
    const silent = await rawUdpServer(() => void asked++);
    const good = await dnsServer();
    good.setService(SERVICE, null, 80, [{ name: 'db-0', addresses: ['10.0.0.1'] }]);
    const { a, attempts } = resolverFor([silent, good.address], 400);
    expect(addresses(await a())).toEqual(['10.0.0.1']);
    expect(attempts).toEqual(['A success', 'A timeout']);
    await a();
    expect(asked).toBe(1);
  });

  it('D07 a slow server is waited for, while the others are asked too', async () => {
    const server = await dnsServer();
    server.setService(SERVICE, null, 80, [{ name: 'db-0', addresses: ['10.0.0.1'] }]);
    server.onQuery = () => ({ do: 'delay', ms: 250 });
    expect(addresses(await resolverFor([server.address], 400).a())).toEqual(['10.0.0.1']);
  });

  it('a closed port is noticed at once and the next server asked', async () => {
    const gone = createSocket('udp4');
    gone.bind(0, '127.0.0.1');
    await once(gone, 'listening');
    const { port } = gone.address();
    await new Promise<void>((done) => gone.close(() => done()));
    const good = await dnsServer();
    good.setService(SERVICE, null, 80, [{ name: 'db-0', addresses: ['10.0.0.1'] }]);
    const { a, attempts } = resolverFor([{ host: '127.0.0.1', port }, good.address], 4000);
    const startedAt = loopNowMs();
    expect(addresses(await a())).toEqual(['10.0.0.1']);
    expect(loopNowMs() - startedAt).toBeLessThan(500);
    expect(attempts).toEqual(['A error', 'A success']);
  });

  it('no server at all is an error, not a crash', async () => {
    expect(await resolverFor([]).a()).toMatchObject({ result: 'error' });
  });

  it('close ends what is under way', async () => {
    const server = await rawUdpServer(() => {});
    const { resolver, a } = resolverFor([server], 60_000);
    const answer = a();
    await new Promise((resolve) => setImmediate(resolve));
    resolver.close();
    expect((await answer).result).toBe('error');
    expect((await a()).result).toBe('error');
  });

  it('asks a nameserver on IPv6', async () => {
    const server = await dnsServer({ host: '::1' });
    server.setService(SERVICE, null, 80, [{ name: 'db-0', addresses: ['fd00::1'] }]);
    const { resolver } = resolverFor([server.address]);
    expect(addresses(await resolver.lookup(SERVICE, 'AAAA'))).toEqual(['fd00::1']);
  });

  it('a name that cannot be written is an error', async () => {
    const server = await dnsServer();
    const { resolver } = resolverFor([server.address]);
    for (const name of ['', 'a..b', `${'a'.repeat(64)}.x`, 'a.'.repeat(130)])
      expect((await resolver.lookup(name, 'A')).result, name).toBe('error');
    expect(server.queries).toHaveLength(0);
  });
});

it('queries differ in id and port, ask for recursion, carry no search list (D25, N6)', async () => {
  const server = await dnsServer();
  server.setService(SERVICE, null, 80, [{ name: 'db-0', addresses: ['10.0.0.1'] }]);
  const { a } = resolverFor([server.address]);
  for (let i = 0; i < 20; i++) await a();
  expect(new Set(server.queries.map((query) => query.id)).size).toBeGreaterThan(15);
  expect(new Set(server.queries.map((query) => query.source.port)).size).toBeGreaterThan(10);
  expect(new Set(server.queries.map((query) => query.name))).toEqual(new Set([SERVICE]));
});
