import { describe, expect, it } from 'vitest';
import { backendFor, dnsServer, moreQueries, pods, SERVICE, until, watch } from '../../helpers/dns.ts';
import { loopNowMs } from '../../helpers/waiting.ts';

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
      const watched = watch(backendFor([server.address], 'http', { queryTimeoutMs: 600 }));
      await until(() => watched.names().length === 2, 'two Pods');
      failing = true;
      set(3);
      const startedAt = loopNowMs();
      await until(() => watched.names().length === 3, 'the third Pod');
      expect(loopNowMs() - startedAt).toBeLessThan(500);
      await moreQueries(server, 'SRV', 2);
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
