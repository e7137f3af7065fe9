import { describe, expect, it } from 'vitest';
import { dnsServer, SERVICE, withId } from '../../helpers/dns.ts';
import { addresses, framed, GOOD, resolverFor, THREE, truncatingServer } from '../../helpers/dns-resolver.ts';
import { loopNowMs } from '../../helpers/waiting.ts';

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
      const startedAt = loopNowMs();
      expect(await resolverFor([server], 200).a()).toMatchObject({ result: 'truncated' });
      expect(loopNowMs() - startedAt).toBeLessThan(1000);
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
    const startedAt = loopNowMs();
    expect(await resolverFor([many], 3000).a()).toMatchObject({ result: 'truncated' });
    expect(loopNowMs() - startedAt).toBeLessThan(2000);
  });

  it('the next server is asked where one cannot be had over TCP', async () => {
    const good = await dnsServer();
    good.setService(SERVICE, null, 80, [{ name: 'db-0', addresses: ['10.0.0.1'] }]);
    const { a } = resolverFor([await truncatingServer(null), good.address]);
    expect(addresses(await a())).toEqual(['10.0.0.1']);
  });
});
