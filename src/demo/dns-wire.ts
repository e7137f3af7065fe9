import { isIPv4 } from 'node:net';

/** One record's data: an address, a name (PTR, CNAME), or an SRV. */
export type RecordData =
  | string
  | { readonly priority?: number; weight?: number; port: number; target: string };

export interface DnsRecord {
  readonly name: string;
  readonly type: string;
  readonly ttlSeconds: number;
  readonly data: RecordData;
}

/** A response before it is written. */
export interface DnsReply {
  readonly id: number;
  /** The question section as it came, byte for byte (so that 0x20 case is echoed). */
  readonly question: Buffer;
  readonly rcode: number;
  /** Recursion desired, copied from the query (RFC 1035 section 4.1.1). */
  readonly recursionDesired: boolean;
  readonly answers: readonly DnsRecord[];
  /** The zone whose SOA goes into the authority section of a negative answer, or null. */
  readonly negativeZone: { readonly zone: string; readonly ttlSeconds: number } | null;
  readonly additionals: readonly DnsRecord[];
  readonly edns: boolean;
}

export const RECORD_TYPES: Readonly<Record<string, number>> = {
  A: 1,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  AAAA: 28,
  SRV: 33,
  OPT: 41,
};

const FLAG_TRUNCATED = 0x0200;

/**
 * Writes a reply in at most `maxBytes`. Owner names are compressed as CoreDNS does it (targets are not). What does not
 * fit is left out: additional records silently, answers with the TC bit (RFC 2181 section 9).
 */
export function writeReply(reply: DnsReply, maxBytes: number): Buffer {
  const limit = maxBytes - (reply.edns ? 11 : 0);
  const names = new Map([[questionName(reply.question), 12]]);
  const parts: Buffer[] = [Buffer.alloc(12), reply.question];
  let length = 12 + reply.question.length;
  let truncated = false;
  const append = (records: readonly DnsRecord[], onFull: () => void): number => {
    let count = 0;
    for (const record of records) {
      const bytes = writeRecord(record, names, length);
      if (length + bytes.length > limit) {
        onFull();
        break;
      }
      parts.push(bytes);
      length += bytes.length;
      count++;
    }
    return count;
  };
  const answers = append(reply.answers, () => {
    truncated = true;
  });
  let authorities = 0;
  if (reply.negativeZone !== null) {
    const bytes = writeSoa(reply.negativeZone.zone, reply.negativeZone.ttlSeconds);
    if (length + bytes.length <= limit) {
      parts.push(bytes);
      length += bytes.length;
      authorities = 1;
    }
  }
  let additionals = truncated ? 0 : append(reply.additionals, () => {});
  if (reply.edns) {
    parts.push(Buffer.from([0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, 0]));
    additionals++;
  }
  const header = parts[0]!;
  header.writeUInt16BE(reply.id, 0);
  const flags =
    0x8480 | (reply.recursionDesired ? 0x0100 : 0) | (truncated ? FLAG_TRUNCATED : 0) | reply.rcode;
  header.writeUInt16BE(flags, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(answers, 6);
  header.writeUInt16BE(authorities, 8);
  header.writeUInt16BE(additionals, 10);
  return Buffer.concat(parts);
}

/** The name in wire form, without compression; a name may end in a dot. */
export function writeName(name: string): Buffer {
  const labels = name.split('.').filter((label) => label !== '');
  return Buffer.concat([
    ...labels.map((label) => Buffer.concat([Buffer.from([Buffer.byteLength(label)]), Buffer.from(label)])),
    Buffer.from([0]),
  ]);
}

function questionName(question: Buffer): string {
  const labels: string[] = [];
  for (let at = 0; at < question.length && question[at] !== 0; at += 1 + question[at]!)
    labels.push(question.toString('latin1', at + 1, at + 1 + question[at]!).toLowerCase());
  return labels.join('.');
}

function writeRecord(record: DnsRecord, names: Map<string, number>, at: number): Buffer {
  const owner = record.name.toLowerCase();
  const known = names.get(owner);
  const name = known === undefined ? writeName(owner) : Buffer.from([0xc0 | (known >> 8), known & 0xff]);
  if (known === undefined && at < 0x4000) names.set(owner, at);
  const data = writeData(record);
  const fixed = Buffer.alloc(10);
  fixed.writeUInt16BE(RECORD_TYPES[record.type]!, 0);
  fixed.writeUInt16BE(1, 2);
  fixed.writeUInt32BE(record.ttlSeconds, 4);
  fixed.writeUInt16BE(data.length, 8);
  return Buffer.concat([name, fixed, data]);
}

function writeData(record: DnsRecord): Buffer {
  const { data } = record;
  if (typeof data !== 'string') {
    const fixed = Buffer.alloc(6);
    fixed.writeUInt16BE(data.priority ?? 0, 0);
    fixed.writeUInt16BE(data.weight ?? 100, 2);
    fixed.writeUInt16BE(data.port, 4);
    return Buffer.concat([fixed, writeName(data.target)]);
  }
  if (record.type === 'A' || record.type === 'AAAA') return addressBytes(data);
  return writeName(data);
}

function writeSoa(zone: string, ttlSeconds: number): Buffer {
  const data = Buffer.concat([
    writeName(`ns.dns.${zone}`),
    writeName(`hostmaster.${zone}`),
    Buffer.alloc(20),
  ]);
  const numbers = [1, 7200, 1800, 86400, ttlSeconds];
  numbers.forEach((value, i) => {
    data.writeUInt32BE(value, data.length - 20 + 4 * i);
  });
  const fixed = Buffer.alloc(10);
  fixed.writeUInt16BE(RECORD_TYPES.SOA!, 0);
  fixed.writeUInt16BE(1, 2);
  fixed.writeUInt32BE(ttlSeconds, 4);
  fixed.writeUInt16BE(data.length, 8);
  return Buffer.concat([writeName(zone), fixed, data]);
}

/** A literal IP in network byte order: 4 or 16 bytes. */
export function addressBytes(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number));
  const [head = '', tail] = address.toLowerCase().split('::');
  const left = groups(head);
  const right = tail === undefined ? [] : groups(tail);
  const zeros = new Array<number>(Math.max(0, 8 - left.length - right.length)).fill(0);
  const bytes = Buffer.alloc(16);
  [...left, ...zeros, ...right].slice(0, 8).forEach((group, i) => {
    bytes.writeUInt16BE(group, 2 * i);
  });
  return bytes;
}

function groups(text: string): number[] {
  const out: number[] = [];
  for (const part of text.split(':')) {
    if (part.includes('.')) {
      const bytes = part.split('.').map(Number);
      out.push((bytes[0]! << 8) | bytes[1]!, (bytes[2]! << 8) | bytes[3]!);
    } else if (part !== '') out.push(Number.parseInt(part, 16));
  }
  return out;
}

/** The name under in-addr.arpa or ip6.arpa, without the final dot. */
export function reverseName(address: string): string {
  if (isIPv4(address)) return `${address.split('.').reverse().join('.')}.in-addr.arpa`;
  const nibbles = [...addressBytes(address).toString('hex')].reverse();
  return `${nibbles.join('.')}.ip6.arpa`;
}
