import { describe, expect, it } from 'vitest';
import { dnsServer, rawUdpServer, SERVICE, withId } from '../../helpers/dns.ts';
import { CASE_MESSAGES } from '../../helpers/dns-case-messages.ts';
import { addresses, GOOD, resolverFor } from '../../helpers/dns-resolver.ts';

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
