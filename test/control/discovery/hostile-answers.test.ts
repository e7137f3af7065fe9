/** Answers that are not for the query, or that cannot be read. Case ids: dns-cases.json; sources beside each message in test/helpers/dns-case-messages.ts. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import { rawUdpServer, withId } from '../../helpers/dns.ts';
import { CASE_MESSAGES } from '../../helpers/dns-case-messages.ts';
import { addresses, GOOD, resolverFor, THREE } from '../../helpers/dns-resolver.ts';

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
    // It would be asked again only after a third of that.
    const { a, attempts } = resolverFor([server], 9000);
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
