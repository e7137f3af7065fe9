import packet from 'dns-packet';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  MalformedMessage,
  readBody,
  readHead,
  readName,
  readQuestion,
  TYPE,
} from '../../../src/control/discovery/wire/dns-decode.ts';
import { makeQuery, matchResponse } from '../../../src/control/discovery/wire/dns-query.ts';
import { writeReply } from '../../../src/demo/dns-wire.ts';
import { CASE_MESSAGES } from '../../helpers/dns-case-messages.ts';
import { mainThreadCpuMs } from '../../helpers/thread-cpu.ts';

function decode(bytes: Buffer) {
  const head = readHead(bytes);
  return readBody(bytes, readQuestion(bytes).end, head.counts);
}
const fromHex = (hex: string): Buffer => Buffer.from(hex, 'hex');

describe('readBody', () => {
  it('D01 reads the addresses of a compressed answer', () => {
    const { answers } = decode(fromHex(CASE_MESSAGES.D01));
    expect(answers.map((record) => [record.name, record.ttlSeconds, record.value])).toEqual([
      ['db.prod.svc.cluster.local', 5, { kind: 'address', address: '10.0.0.3' }],
      ['db.prod.svc.cluster.local', 5, { kind: 'address', address: '10.0.0.1' }],
      ['db.prod.svc.cluster.local', 5, { kind: 'address', address: '10.0.0.2' }],
    ]);
  });

  it('D12 refuses a compression pointer to itself, forward, or into the header', () => {
    expect(() => decode(fromHex(CASE_MESSAGES.D12))).toThrow(MalformedMessage);
    for (const pointer of ['c02b', 'c0ff', 'ffff', 'c000', 'c00b'])
      expect(() => decode(fromHex(CASE_MESSAGES.D12.replace('c02b', pointer)))).toThrow(MalformedMessage);
  });

  it('D12 refuses a pointer forward, even to a good name', () => {
    const bytes = Buffer.concat([Buffer.alloc(12), fromHex('c00e0161c000'), fromHex('00')]);
    bytes.write('\u0001a\u0000', 14, 'latin1');
    expect(() => readName(bytes, 12)).toThrow(MalformedMessage);
    expect(readName(bytes, 14).name).toBe('a');
  });

  it('D12 refuses two pointers that lead to each other, and a long ladder of pointers, in bounded time', () => {
    const loop = Buffer.concat([Buffer.alloc(12), fromHex('c00ec00c')]);
    expect(() => readName(loop, 14)).toThrow(MalformedMessage);
    const ladder = Buffer.alloc(16_000);
    for (let at = 14; at < ladder.length; at += 2) ladder.writeUInt16BE(0xc000 | (at - 2), at);
    const startedAt = mainThreadCpuMs();
    expect(() => readName(ladder, ladder.length - 2)).toThrow(MalformedMessage);
    expect(mainThreadCpuMs() - startedAt).toBeLessThan(50);
  });

  it('D14 refuses a message with fewer records than it says, at any place where it is cut', () => {
    expect(() => decode(fromHex(CASE_MESSAGES.D14))).toThrow(MalformedMessage);
    const whole = fromHex(CASE_MESSAGES.D01);
    for (let length = 0; length < whole.length; length++)
      expect(() => decode(whole.subarray(0, length)), `cut at ${length}`).toThrow(MalformedMessage);
  });

  it('D14 refuses an A record of 3 or 5 bytes, and one whose data passes the end', () => {
    for (const length of ['0003', '0005', '0000', 'ffff']) {
      const hex = CASE_MESSAGES.D15.replace('00040a000042', `${length}0a000042`);
      expect(() => decode(fromHex(hex)), length).toThrow(MalformedMessage);
    }
  });

  it('D21 takes a TTL with the top bit set as 0 (RFC 2181 section 8)', () => {
    const { answers } = decode(fromHex(CASE_MESSAGES.D21));
    expect(answers.map((record) => record.ttlSeconds)).toEqual([0, 0]);
  });

  it('steps over records of other types and classes', () => {
    const txt = 'c00c001000010000000500020161'; // TXT "a"
    const chaos = 'c00c000100030000000500040a000001'; // A, class CH
    const hex = `${CASE_MESSAGES.D15.slice(0, 12)}0003${CASE_MESSAGES.D15.slice(16)}${txt}${chaos}`;
    expect(decode(fromHex(hex)).answers.map((record) => record.value)).toEqual([
      { kind: 'address', address: '10.0.0.66' },
    ]);
  });

  it('tells a dot inside a label from one between labels', () => {
    const bytes = Buffer.concat([Buffer.alloc(12), fromHex('03612e6200')]);
    expect(readName(bytes, 12).name).toBe('a\\046b');
  });

  it('refuses a name of more than 255 bytes and a label of a reserved kind', () => {
    const label = Buffer.concat([Buffer.from([63]), Buffer.alloc(63, 'a')]);
    const long = Buffer.concat([Buffer.alloc(12), label, label, label, label, Buffer.from([0])]);
    expect(() => readName(long, 12)).toThrow(MalformedMessage);
    expect(() => readName(Buffer.concat([Buffer.alloc(12), fromHex('4161')]), 12)).toThrow(MalformedMessage);
  });

  it('reads what dns-packet writes', () => {
    const label = fc.stringMatching(/^[a-z0-9_]([a-z0-9-]{0,10}[a-z0-9])?$/);
    const name = fc.array(label, { minLength: 1, maxLength: 5 }).map((labels) => labels.join('.'));
    const ttl = fc.integer({ min: 0, max: 0x7fffffff });
    const answer = fc.oneof(
      fc.record({ type: fc.constant('A' as const), name, ttl, data: fc.ipV4() }),
      fc.record({ type: fc.constant('PTR' as const), name, ttl, data: name }),
      fc.record({
        type: fc.constant('SRV' as const),
        name,
        ttl,
        data: fc.record({
          priority: fc.nat(65535),
          weight: fc.nat(65535),
          port: fc.nat(65535),
          target: name,
        }),
      }),
    );
    fc.assert(
      fc.property(name, fc.array(answer, { maxLength: 8 }), (question, answers) => {
        const bytes = packet.encode({
          type: 'response',
          id: 7,
          questions: [{ name: question, type: 'A' }],
          answers,
        });
        const records = decode(bytes).answers;
        expect(records.map((record) => [record.name, record.ttlSeconds, record.value])).toEqual(
          answers.map(({ name: owner, ttl: seconds, type, data }) => [
            owner,
            seconds,
            type === 'A'
              ? { kind: 'address', address: data }
              : type === 'PTR'
                ? { kind: 'name', name: data }
                : { kind: 'srv', ...data },
          ]),
        );
      }),
      { numRuns: 200 },
    );
  });

  it('formats IPv6 addresses as RFC 5952 says', () => {
    const write = (address: string): Buffer =>
      packet.encode({
        type: 'response',
        questions: [{ name: 'a', type: 'AAAA' }],
        answers: [{ type: 'AAAA', name: 'a', ttl: 1, data: address }],
      });
    for (const address of [
      '::',
      '::1',
      'fd00::1',
      'fd00:0:1::',
      '1:2:3:4:5:6:7:8',
      '1:0:2:3:4:5:6:7',
      '1::2:0:0:3',
    ])
      expect(decode(write(address)).answers[0]!.value).toEqual({ kind: 'address', address });
  });
});

describe('matchResponse', () => {
  const query = makeQuery('db.prod.svc.cluster.local', 'A', true);
  const arrives = (hex: string) => {
    const bytes = fromHex(hex);
    bytes.writeUInt16BE(query.id, 0);
    return matchResponse(query, bytes);
  };

  it('D26 takes an answer whose question has another case', () => {
    const response = arrives(CASE_MESSAGES.D15.replace('026462', '024442'));
    expect(response?.kind).toBe('response');
  });

  it('D15 D17 D19 ignores another id, another question, and a query', () => {
    const other = fromHex(CASE_MESSAGES.D15);
    other.writeUInt16BE(query.id ^ 1, 0);
    expect(matchResponse(query, other)).toBeNull();
    expect(arrives(CASE_MESSAGES.D17)).toBeNull();
    expect(arrives(CASE_MESSAGES.D19)).toBeNull();
    expect(arrives(CASE_MESSAGES.D03)).toBeNull(); // the same name, but AAAA
  });

  it('never throws, whatever arrives', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), (tail, keepHead) => {
        const bytes = keepHead ? fromHex(CASE_MESSAGES.D01.slice(0, 86)) : Buffer.alloc(2);
        const message = Buffer.concat([bytes, tail]);
        message.writeUInt16BE(query.id, 0);
        matchResponse(query, message);
      }),
      { numRuns: 2000 },
    );
  });

  it('D11 reads 1,000 records in less than 10 ms', () => {
    const name = 'db.prod.svc.cluster.local';
    const answers = Array.from({ length: 1000 }, (_, i) => ({
      name,
      type: 'A',
      ttlSeconds: 5,
      data: `10.0.${i >> 8}.${i & 255}`,
    }));
    const question = query.bytes.subarray(12, 12 + name.length + 2 + 4);
    const bytes = writeReply(
      {
        id: query.id,
        question,
        rcode: 0,
        recursionDesired: true,
        answers,
        negativeZone: null,
        additionals: [],
        edns: false,
      },
      65_535,
    );
    expect(bytes.length).toBe(16_043); // as the case works it out
    const runs = 20;
    const startedAt = mainThreadCpuMs();
    for (let n = 0; n < runs; n++) {
      const response = matchResponse(query, bytes);
      expect(response?.kind === 'response' && response.body.answers.length).toBe(1000);
    }
    expect((mainThreadCpuMs() - startedAt) / runs).toBeLessThan(10);
    expect(TYPE.A).toBe(1);
  });
});
