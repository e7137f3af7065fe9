/**
 * Reads DNS messages, strictly: a message that does not hold what it says is refused whole (case D14). RDLENGTH is
 * law, which is why answers are not read with dns-packet: it takes an A record of any RDLENGTH, follows as many
 * pointers as a message holds, and joins labels that contain dots. It writes our queries and checks this file in tests.
 */

/** The message cannot be read; nothing of it may be used. */
export class MalformedMessage extends Error {}

export const TYPE = { A: 1, CNAME: 5, SOA: 6, PTR: 12, AAAA: 28, SRV: 33, OPT: 41 } as const;
const CLASS_IN = 1;

export type RecordValue =
  | { readonly kind: 'address'; readonly address: string }
  /** A PTR's or CNAME's target. */
  | { readonly kind: 'name'; readonly name: string }
  | {
      readonly kind: 'srv';
      readonly priority: number;
      readonly weight: number;
      readonly port: number;
      readonly target: string;
    }
  | { readonly kind: 'soa'; readonly minimumSeconds: number };

/** A record of class IN and of a type that discovery reads; others are stepped over. */
export interface WireRecord {
  /** Lower case, without the final dot; `''` is the root; odd bytes as `\DDD` (RFC 1035 section 5.1). */
  readonly name: string;
  readonly type: number;
  /** 0 for a value with the top bit set (RFC 2181 section 8, case D21). */
  readonly ttlSeconds: number;
  readonly value: RecordValue;
}

export interface MessageHead {
  readonly id: number;
  readonly isResponse: boolean;
  readonly opcode: number;
  readonly truncated: boolean;
  readonly rcode: number;
  readonly questionCount: number;
  readonly counts: readonly [number, number, number];
}

export interface MessageBody {
  readonly answers: readonly WireRecord[];
  readonly authorities: readonly WireRecord[];
  readonly additionals: readonly WireRecord[];
  /** The upper bits of the code from the OPT record (RFC 6891 section 6.1.3). */
  readonly extendedRcode: number;
}

/** Reads the fixed 12 bytes. */
export function readHead(bytes: Buffer): MessageHead {
  if (bytes.length < 12) throw new MalformedMessage('shorter than a header');
  const flags = bytes.readUInt16BE(2);
  return {
    id: bytes.readUInt16BE(0),
    isResponse: (flags & 0x8000) !== 0,
    opcode: (flags >> 11) & 0xf,
    truncated: (flags & 0x0200) !== 0,
    rcode: flags & 0xf,
    questionCount: bytes.readUInt16BE(4),
    counts: [bytes.readUInt16BE(6), bytes.readUInt16BE(8), bytes.readUInt16BE(10)],
  };
}

export interface Question {
  readonly name: string;
  readonly type: number;
  readonly class: number;
  /** Offset after it. */
  readonly end: number;
}

/** Reads the first question, at offset 12. */
export function readQuestion(bytes: Buffer): Question {
  const { name, end } = readName(bytes, 12);
  if (end + 4 > bytes.length) throw new MalformedMessage('question past the end');
  return { name, type: bytes.readUInt16BE(end), class: bytes.readUInt16BE(end + 2), end: end + 4 };
}

/** Reads the three record sections, which start at `offset`. Throws MalformedMessage if any record is cut or wrong. */
export function readBody(bytes: Buffer, offset: number, counts: MessageHead['counts']): MessageBody {
  let at = offset;
  let extendedRcode = 0;
  // Answers repeat their owner as one pointer: a message of 1,000 records reads that name once (case D11).
  const pointed = new Map<number, string>();
  const sections = counts.map((count) => {
    const records: WireRecord[] = [];
    for (let i = 0; i < count; i++) {
      const owner = readOwner(bytes, at, pointed);
      const fixed = owner.end;
      if (fixed + 10 > bytes.length) throw new MalformedMessage('record past the end');
      const type = bytes.readUInt16BE(fixed);
      const start = fixed + 10;
      at = start + bytes.readUInt16BE(fixed + 8);
      if (at > bytes.length) throw new MalformedMessage('record data past the end');
      if (type === TYPE.OPT) {
        extendedRcode = bytes[fixed + 4]!;
        continue;
      }
      if (bytes.readUInt16BE(fixed + 2) !== CLASS_IN) continue;
      const value = readValue(bytes, type, start, at);
      if (value === null) continue;
      const ttl = bytes.readUInt32BE(fixed + 4);
      records.push({ name: owner.name, type, ttlSeconds: ttl > 0x7fffffff ? 0 : ttl, value });
    }
    return records;
  });
  return { answers: sections[0]!, authorities: sections[1]!, additionals: sections[2]!, extendedRcode };
}

function readOwner(bytes: Buffer, at: number, pointed: Map<number, string>): { name: string; end: number } {
  if (at + 1 >= bytes.length || (bytes[at]! & 0xc0) !== 0xc0) return readName(bytes, at);
  const target = bytes.readUInt16BE(at) & 0x3fff;
  let name = pointed.get(target);
  if (name === undefined) {
    name = readName(bytes, at).name;
    pointed.set(target, name);
  }
  return { name, end: at + 2 };
}

function readValue(bytes: Buffer, type: number, start: number, end: number): RecordValue | null {
  const length = end - start;
  switch (type) {
    case TYPE.A:
      if (length !== 4) throw new MalformedMessage('A record not of 4 bytes');
      return {
        kind: 'address',
        address: `${bytes[start]}.${bytes[start + 1]}.${bytes[start + 2]}.${bytes[start + 3]}`,
      };
    case TYPE.AAAA:
      if (length !== 16) throw new MalformedMessage('AAAA record not of 16 bytes');
      return { kind: 'address', address: formatIpv6(bytes, start) };
    case TYPE.CNAME:
    case TYPE.PTR:
      return { kind: 'name', name: readNameUpTo(bytes, start, end) };
    case TYPE.SRV:
      if (length < 7) throw new MalformedMessage('SRV record too short');
      return {
        kind: 'srv',
        priority: bytes.readUInt16BE(start),
        weight: bytes.readUInt16BE(start + 2),
        port: bytes.readUInt16BE(start + 4),
        target: readNameUpTo(bytes, start + 6, end),
      };
    case TYPE.SOA:
      if (length < 22) throw new MalformedMessage('SOA record too short');
      return { kind: 'soa', minimumSeconds: bytes.readUInt32BE(end - 4) };
    default:
      return null;
  }
}

function readNameUpTo(bytes: Buffer, start: number, end: number): string {
  const name = readName(bytes, start);
  if (name.end !== end) throw new MalformedMessage('name does not fill its record data');
  return name.name;
}

/**
 * Reads a name. A pointer must lead backwards past all that was read (RFC 1035 section 4.1.4, case D12), so that it
 * always ends; at most 128 of them and 255 bytes, so that it ends soon.
 */
export function readName(bytes: Buffer, offset: number): { name: string; end: number } {
  let at = offset;
  let segmentStart = offset;
  let end = -1;
  let pointers = 0;
  let length = 1;
  let name = '';
  for (;;) {
    const head = bytes[at];
    if (head === undefined) throw new MalformedMessage('name past the end');
    if (head === 0) {
      return { name, end: end === -1 ? at + 1 : end };
    }
    if ((head & 0xc0) === 0xc0) {
      if (at + 1 >= bytes.length) throw new MalformedMessage('pointer past the end');
      const target = bytes.readUInt16BE(at) & 0x3fff;
      if (end === -1) end = at + 2;
      if (target >= segmentStart || target < 12 || ++pointers > 128)
        throw new MalformedMessage('bad pointer');
      at = target;
      segmentStart = target;
    } else if ((head & 0xc0) === 0) {
      const next = at + 1 + head;
      length += 1 + head;
      if (next > bytes.length || length > 255) throw new MalformedMessage('label or name too long');
      name = name === '' ? readLabel(bytes, at + 1, next) : `${name}.${readLabel(bytes, at + 1, next)}`;
      at = next;
    } else throw new MalformedMessage('bad label');
  }
}

function readLabel(bytes: Buffer, start: number, end: number): string {
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!;
    if (byte < 0x21 || byte > 0x7e || byte === 0x2e || byte === 0x5c) return escapeLabel(bytes, start, end);
  }
  return bytes.toString('latin1', start, end).toLowerCase();
}

function escapeLabel(bytes: Buffer, start: number, end: number): string {
  let label = '';
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!;
    const plain = byte >= 0x21 && byte <= 0x7e && byte !== 0x2e && byte !== 0x5c;
    label += plain ? String.fromCharCode(byte).toLowerCase() : `\\${String(byte).padStart(3, '0')}`;
  }
  return label;
}

/** RFC 5952: lower case, the longest run of two or more zero groups as `::`. */
export function formatIpv6(bytes: Buffer, start: number): string {
  const groups: number[] = [];
  for (let i = 0; i < 8; i++) groups.push(bytes.readUInt16BE(start + 2 * i));
  let best = -1;
  let bestLength = 1;
  for (let i = 0; i < 8; i++) {
    let j = i;
    while (j < 8 && groups[j] === 0) j++;
    if (j - i > bestLength) {
      best = i;
      bestLength = j - i;
    }
    if (j > i) i = j - 1;
  }
  const hex = groups.map((group) => group.toString(16));
  if (best === -1) return hex.join(':');
  return `${hex.slice(0, best).join(':')}::${hex.slice(best + bestLength).join(':')}`;
}
