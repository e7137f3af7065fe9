/**
 * The resolver against servers over real sockets, most of them hostile. Case ids are those of dns-cases.json; sources
 * beside each message in test/helpers/dns-case-messages.ts.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Answer } from '../../../src/control/discovery/answer.ts';
import { fixedNameservers } from '../../../src/control/discovery/nameservers.ts';
import { createResolver } from '../../../src/control/discovery/resolver.ts';
import type { HostPort } from '../../../src/model/config.ts';
import { systemClock } from '../../../src/platform/clock.ts';
import { dnsServer, rawUdpServer, SERVICE, withId } from '../../helpers/dns.ts';
import { CASE_MESSAGES } from '../../helpers/dns-case-messages.ts';

const GOOD = CASE_MESSAGES.D01;

function resolverFor(servers: readonly HostPort[], timeoutMs = 400) {
  const attempts: string[] = [];
  const resolver = createResolver({
    nameservers: fixedNameservers(servers),
    timeoutMs,
    clock: systemClock,
    onAttempt: (type, result) => void attempts.push(`${type} ${result}`),
    onLookup: () => {},
  });
  onTestFinished(() => resolver.close());
  return { resolver, attempts, a: () => resolver.lookup(SERVICE, 'A') };
}

function addresses(answer: Answer): string[] {
  if (answer.result !== 'success') throw new Error(`not success: ${JSON.stringify(answer)}`);
  return answer.values.map((value) => (value.kind === 'address' ? value.address : '')).sort();
}
const THREE = ['10.0.0.1', '10.0.0.2', '10.0.0.3'];

/** Sends `first` (several, in order), and the good answer `afterMs` later. */
async function poisoned(first: readonly string[], afterMs = 30) {
  const state = { queries: 0 };
  const server = await rawUdpServer((query, send) => {
    state.queries++;
    for (const hex of first) send(withId(hex, query));
    setTimeout(() => send(withId(GOOD, query)), afterMs);
  });
  return { server, state };
}

/** A TCP listener on the port of a UDP server that answers with TC. */
async function truncatingServer(onTcp: ((socket: Socket, query: () => Promise<Buffer>) => void) | null) {
  const listener = createServer();
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as { port: number };
  const udp = createSocket('udp4');
  udp.bind(port, '127.0.0.1');
  await once(udp, 'listening');
  udp.on('message', (query, from) => udp.send(withId(CASE_MESSAGES.D08, query), from.port, from.address));
  const sockets = new Set<Socket>();
  if (onTcp === null) listener.close();
  listener.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    onTcp?.(socket, async () => {
      const [bytes] = (await once(socket, 'data')) as [Buffer];
      return bytes.subarray(2);
    });
  });
  onTestFinished(() => {
    udp.close();
    for (const socket of sockets) socket.destroy();
    listener.close();
  });
  return { host: '127.0.0.1', port };
}

function framed(message: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}

describe('answers that are not for this query', () => {
  it.each([
    ['D15 another id', (query: Buffer) => withIdXor(GOOD, query)],
    ['D17 another question', (query: Buffer) => withId(CASE_MESSAGES.D17, query)],
    ['D19 a query', (query: Buffer) => withId(CASE_MESSAGES.D19, query)],
    ['another type', (query: Buffer) => withId(CASE_MESSAGES.D03, query)],
    ['an opcode other than QUERY', (query: Buffer) => withId(GOOD.replace('12348580', '1234a580'), query)],
    ['a single byte', () => Buffer.from([0])],
    ['nothing', () => Buffer.alloc(0)],
  ])('%s: ignored, and the true answer awaited', async (_, bad) => {
    let queries = 0;
    const server = await rawUdpServer((query, send) => {
      queries++;
      for (let i = 0; i < 5; i++) send(bad(query));
      setTimeout(() => send(withId(GOOD, query)), 30);
    });
    const { a, attempts } = resolverFor([server]);
    expect(addresses(await a())).toEqual(THREE);
    expect(queries).toBe(1);
    expect(attempts).toEqual(['A success']);
  });

  function withIdXor(hex: string, query: Buffer): Buffer {
    const bytes = withId(hex, query);
    bytes[0]! ^= 0xff;
    return bytes;
  }

  it('D16 from another port or address: ignored', async () => {
    const other = createSocket('udp4');
    const elsewhere = createSocket('udp4');
    other.bind(0, '127.0.0.1');
    elsewhere.bind(0, '127.0.0.9');
    await Promise.all([once(other, 'listening'), once(elsewhere, 'listening')]);
    onTestFinished(() => {
      other.close();
      elsewhere.close();
    });
    const forged = CASE_MESSAGES.D15;
    const server = await rawUdpServer((query, send, from) => {
      other.send(withId(forged, query), from.port, from.host);
      elsewhere.send(withId(forged, query), from.port, from.host);
      setTimeout(() => send(withId(GOOD, query)), 30);
    });
    expect(addresses(await resolverFor([server]).a())).toEqual(THREE);
  });

  it('records under another name are not taken', async () => {
    const evil = '046576696c047465737400000100010000000500040a000042';
    const server = await rawUdpServer((query, send) => {
      const hex = GOOD.replace('00010003', '00010004') + evil;
      send(withId(hex, query));
    });
    expect(addresses(await resolverFor([server]).a())).toEqual(THREE);
  });

  it('an answer about another name alone is malformed, not empty', async () => {
    const evil = '046576696c047465737400000100010000000500040a000042';
    const server = await rawUdpServer((query, send) => {
      send(withId(GOOD.slice(0, 86).replace('00010003', '00010001') + evil, query));
    });
    expect(await resolverFor([server]).a()).toMatchObject({ result: 'malformed' });
  });
});

describe('malformed answers', () => {
  const cut = (hex: string, bytes: number): string => hex.slice(0, bytes * 2);
  it.each([
    ['D12 a pointer to itself', CASE_MESSAGES.D12],
    ['D14 fewer records than counted', CASE_MESSAGES.D14],
    ['D14 11 bytes', cut(GOOD, 11)],
    ['D14 RDLENGTH past the end', CASE_MESSAGES.D15.replace('00040a000042', '00400a000042')],
    ['D14 A with RDLENGTH 3', CASE_MESSAGES.D15.replace('00040a000042', '00030a0000')],
    ['a header alone that counts a question', cut(GOOD, 12)],
    ['two questions', GOOD.replace('85800001', '85800002')],
    ['counts of 65535', GOOD.replace('00010003', '0001ffff')],
  ])('%s: rejected whole, counted, asked again', async (_, hex) => {
    let queries = 0;
    const server = await rawUdpServer((query, send) => {
      send(withId(queries++ === 0 ? hex : GOOD, query));
    });
    const { a, attempts } = resolverFor([server]);
    expect(addresses(await a())).toEqual(THREE);
    expect(attempts).toEqual(['A malformed', 'A success']);
  });

  it('D14 for ever: fails after a few tries', async () => {
    let queries = 0;
    const server = await rawUdpServer((query, send) => {
      queries++;
      send(withId(CASE_MESSAGES.D14, query));
    });
    expect((await resolverFor([server]).a()).result).toBe('malformed');
    expect(queries).toBe(3);
  });
});

describe('servers that do not answer well', () => {
  it('D05 SERVFAIL is a failure, told at once, one query', async () => {
    const server = await dnsServer();
    server.onQuery = () => ({ do: 'rcode', rcode: 'SERVFAIL' });
    const { a, attempts } = resolverFor([server.address], 2000);
    const startedAt = performance.now();
    expect((await a()).result).toBe('servfail');
    expect(performance.now() - startedAt).toBeLessThan(500);
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
    const { a, attempts } = resolverFor([server], 300);
    const startedAt = performance.now();
    expect(await a()).toMatchObject({ result: 'timeout' });
    expect(performance.now() - startedAt).toBeLessThan(450);
    expect(new Set(ports).size).toBe(3);
    expect(attempts).toEqual(['A timeout', 'A timeout', 'A timeout']);
  });

  it('D07 a silent first server costs its share of the time, once', async () => {
    const silent = await rawUdpServer(() => {});
    const good = await dnsServer();
    good.setService(SERVICE, null, 80, [{ name: 'db-0', addresses: ['10.0.0.1'] }]);
    const { a, attempts } = resolverFor([silent, good.address], 400);
    expect(addresses(await a())).toEqual(['10.0.0.1']);
    expect(attempts).toEqual(['A success', 'A timeout']);
    const startedAt = performance.now();
    await a();
    expect(performance.now() - startedAt).toBeLessThan(80);
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
    const startedAt = performance.now();
    expect(addresses(await a())).toEqual(['10.0.0.1']);
    expect(performance.now() - startedAt).toBeLessThan(500);
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

describe('truncated answers', () => {
  it('D08 are asked again over TCP, and the part is not used', async () => {
    const server = await truncatingServer(async (socket, query) => {
      socket.write(framed(withId(GOOD, await query())));
    });
    const { a, attempts } = resolverFor([server]);
    expect(addresses(await a())).toEqual(THREE);
    expect(attempts).toEqual(['A success']);
  });

  it('D08 a truncated message that is cut in the middle of a record is still only truncated', async () => {
    const server = await dnsServer();
    server.setService(SERVICE, null, 80, [{ name: 'db-0', addresses: ['10.0.0.1'] }]);
    server.onQuery = (query) =>
      query.transport === 'tcp'
        ? { do: 'answer' }
        : {
            do: 'mangle',
            reply: (right) => {
              const bytes = Buffer.from(right.subarray(0, right.length - 14));
              bytes.writeUInt16BE(bytes.readUInt16BE(2) | 0x0200, 2);
              return bytes;
            },
          };
    expect(addresses(await resolverFor([server.address]).a())).toEqual(['10.0.0.1']);
  });

  it('D09 TCP refused: truncated', async () => {
    const { a, attempts } = resolverFor([await truncatingServer(null)]);
    expect(await a()).toMatchObject({ result: 'truncated' });
    expect(attempts).toEqual(['A truncated']);
  });

  it.each([
    ['D09 a length, then the end', Buffer.from([0, 80])],
    ['the end at once', Buffer.alloc(0)],
    ['half a length', Buffer.from([0])],
    ['half a message', Buffer.concat([Buffer.from([0, 91]), Buffer.from(GOOD, 'hex').subarray(0, 40)])],
    ['a length of 0', Buffer.from([0, 0])],
  ])('%s: truncated', async (_, bytes) => {
    const server = await truncatingServer(async (socket, query) => {
      await query();
      socket.end(bytes);
    });
    expect(await resolverFor([server]).a()).toMatchObject({ result: 'truncated' });
  });

  it('over TCP byte by byte: read', async () => {
    const server = await truncatingServer(async (socket, query) => {
      socket.setNoDelay(true);
      for (const byte of framed(withId(GOOD, await query()))) {
        socket.write(Buffer.from([byte]));
        await new Promise((resolve) => setImmediate(resolve));
      }
    });
    expect(addresses(await resolverFor([server], 2000).a())).toEqual(THREE);
  });

  it('a drip that never ends, and a server that accepts and is silent, end with the deadline', async () => {
    for (const drip of [true, false]) {
      const server = await truncatingServer(async (socket, query) => {
        await query();
        const timer = setInterval(() => drip && socket.writable && socket.write(Buffer.from([0xff])), 5);
        socket.on('close', () => clearInterval(timer));
      });
      const startedAt = performance.now();
      expect(await resolverFor([server], 200).a()).toMatchObject({ result: 'truncated' });
      expect(performance.now() - startedAt).toBeLessThan(500);
    }
  });

  it('strays on the stream are skipped, a flood of them given up', async () => {
    const stray = (query: Buffer): Buffer => {
      const bytes = withId(GOOD, query);
      bytes[0]! ^= 0xff;
      return framed(bytes);
    };
    const few = await truncatingServer(async (socket, next) => {
      const query = await next();
      socket.write(Buffer.concat([stray(query), stray(query), framed(withId(GOOD, query))]));
    });
    expect(addresses(await resolverFor([few]).a())).toEqual(THREE);
    const many = await truncatingServer(async (socket, next) => {
      const query = await next();
      socket.write(Buffer.concat(Array.from({ length: 50 }, () => stray(query))));
    });
    const startedAt = performance.now();
    expect(await resolverFor([many], 3000).a()).toMatchObject({ result: 'truncated' });
    expect(performance.now() - startedAt).toBeLessThan(1000);
  });

  it('the next server is asked where one cannot be had over TCP', async () => {
    const good = await dnsServer();
    good.setService(SERVICE, null, 80, [{ name: 'db-0', addresses: ['10.0.0.1'] }]);
    const { a } = resolverFor([await truncatingServer(null), good.address]);
    expect(addresses(await a())).toEqual(['10.0.0.1']);
  });
});

describe('D20 aliases', () => {
  const chain = (server: Awaited<ReturnType<typeof dnsServer>>, length: number): void => {
    server.setRecords(SERVICE, 'CNAME', ['a1.test'], 30);
    for (let i = 1; i < length; i++) server.setRecords(`a${i}.test`, 'CNAME', [`a${i + 1}.test`], 20);
    server.setRecords(`a${length}.test`, 'A', ['10.0.0.7'], 60);
  };

  it('in the message of the case: followed', async () => {
    const server = await rawUdpServer((query, send) => send(withId(CASE_MESSAGES.D20, query)));
    expect(addresses(await resolverFor([server]).a())).toEqual(['10.0.0.7']);
  });

  it('A listed before CNAME: followed; the TTL is the least of the chain', async () => {
    const a = '03657874 09696e74657277656273 0474657374 00 0001 0001 0000000900040a000007'.replaceAll(
      ' ',
      '',
    );
    const cname = `c00c 0005 0001 00000004 0014 03657874 09696e74657277656273 0474657374 00`.replaceAll(
      ' ',
      '',
    );
    const hex = `${GOOD.slice(0, 12)}0002${GOOD.slice(16, 86)}${a}${cname}`;
    const server = await rawUdpServer((query, send) => send(withId(hex, query)));
    const answer = await resolverFor([server]).a();
    expect(addresses(answer)).toEqual(['10.0.0.7']);
    expect(answer).toMatchObject({ ttlMs: 4000, owner: 'ext.interwebs.test' });
  });

  it('8 are followed, 9 are not, nor a loop', async () => {
    const server = await dnsServer();
    const { a } = resolverFor([server.address]);
    chain(server, 8);
    expect(await a()).toMatchObject({ result: 'success', ttlMs: 20_000 });
    server.setRecords('a8.test', 'A', null);
    chain(server, 9);
    expect((await a()).result).toBe('malformed');
    server.setRecords('a1.test', 'CNAME', [SERVICE], 5);
    expect((await a()).result).toBe('malformed');
    server.setRecords(SERVICE, 'CNAME', [SERVICE], 5);
    expect((await a()).result).toBe('malformed');
  });

  it('a target that the answer leaves out is asked for; a loop over several answers ends', async () => {
    const server = await dnsServer();
    const alone = (from: string, to: string): void => {
      server.setRecords(from, 'CNAME', [to], 7);
    };
    // Only the first record of each answer is sent: the chain has to be pieced together.
    server.onQuery = () => ({
      do: 'mangle',
      reply: (right) => {
        if (right.readUInt16BE(6) < 2) return right;
        const bytes = Buffer.from(right);
        const question = bytes.indexOf(0, 12) + 5;
        const end = question + 12 + bytes.readUInt16BE(question + 10);
        bytes.writeUInt16BE(1, 6);
        bytes.writeUInt16BE(0, 8);
        bytes.writeUInt16BE(0, 10);
        return bytes.subarray(0, end);
      },
    });
    alone(SERVICE, 'ext.test');
    server.setRecords('ext.test', 'A', ['10.0.0.7'], 60);
    const { a } = resolverFor([server.address]);
    const answer = await a();
    expect(addresses(answer)).toEqual(['10.0.0.7']);
    expect(answer).toMatchObject({ ttlMs: 7000 });
    server.setRecords('ext.test', 'A', null);
    alone('ext.test', SERVICE);
    expect((await a()).result).toBe('malformed');
    expect(server.queries.length).toBeLessThan(15);
  });
});

describe('negative answers', () => {
  it('D03 NOERROR without records is empty, D04 NXDOMAIN; both with the TTL of RFC 2308', async () => {
    const messages = { A: CASE_MESSAGES.D04, AAAA: CASE_MESSAGES.D03 };
    const server = await rawUdpServer((query, send) => {
      const isA = query.readUInt16BE(12 + SERVICE.length + 2) === 1;
      send(withId(isA ? messages.A : messages.AAAA, query));
    });
    const { resolver } = resolverFor([server]);
    expect(await resolver.lookup(SERVICE, 'A')).toEqual({ result: 'nxdomain', ttlMs: 5000 });
    expect(await resolver.lookup(SERVICE, 'AAAA')).toEqual({ result: 'empty', ttlMs: 5000 });
  });

  it('NXDOMAIN that also carries an address is not believed either way', async () => {
    const server = await rawUdpServer((query, send) => send(withId(GOOD.replace('8580', '8583'), query)));
    expect((await resolverFor([server]).a()).result).toBe('malformed');
  });
});

it('D21 the TTL of a set is its least; one with the top bit set is 0', async () => {
  const server = await rawUdpServer((query, send) => send(withId(CASE_MESSAGES.D21, query)));
  expect(await resolverFor([server]).a()).toMatchObject({ result: 'success', ttlMs: 0 });
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

it('a poisoned datagram before the true one does not win', async () => {
  const { server, state } = await poisoned([CASE_MESSAGES.D17, CASE_MESSAGES.D19]);
  expect(addresses(await resolverFor([server]).a())).toEqual(THREE);
  expect(state.queries).toBe(1);
});
