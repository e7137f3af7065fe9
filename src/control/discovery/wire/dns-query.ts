import packet from 'dns-packet';
import { secureUint16 } from '../../../platform/random.ts';
import { MalformedMessage, type MessageBody, readBody, readHead, readQuestion, TYPE } from './dns-decode.ts';

export type LookupType = 'A' | 'AAAA' | 'SRV' | 'PTR';

/** Fits an Ethernet frame whatever the path (DNS flag day 2020); more is asked again over TCP. */
const EDNS_PAYLOAD_BYTES = 1232;
const CLASS_IN = 1;

/** One query as it goes to one server. */
export interface Query {
  readonly id: number;
  /** Lower case, without the final dot. On the wire every name is absolute: no search list applies (case D25). */
  readonly name: string;
  readonly type: LookupType;
  readonly bytes: Buffer;
}

/** Writes a query with an unpredictable id (RFC 5452 section 4.3). Throws if the name cannot be written. */
export function makeQuery(name: string, type: LookupType, edns: boolean): Query {
  const labels = name.split('.');
  if (name.length > 253 || labels.some((label) => label === '' || Buffer.byteLength(label) > 63))
    throw new Error(`${name} is not a DNS name`);
  const id = secureUint16();
  const bytes = packet.encode({
    type: 'query',
    id,
    flags: packet.RECURSION_DESIRED,
    questions: [{ name, type, class: 'IN' }],
    additionals: edns
      ? [
          {
            type: 'OPT',
            name: '.',
            udpPayloadSize: EDNS_PAYLOAD_BYTES,
            extendedRcode: 0,
            ednsVersion: 0,
            flags: 0,
            flag_do: false,
            options: [],
          },
        ]
      : [],
  });
  return { id, name, type, bytes };
}

/** What arrived for a query, once it is known to be its answer. */
export type Response =
  | { readonly kind: 'response'; readonly rcode: number; readonly body: MessageBody }
  /** The TC bit is set. `body` is what could be read of it: never membership. */
  | { readonly kind: 'truncated'; readonly body: MessageBody | null }
  | { readonly kind: 'malformed'; readonly detail: string };

const EMPTY_BODY: MessageBody = { answers: [], authorities: [], additionals: [], extendedRcode: 0 };
/** Codes that a server may send without having read the question. */
const CODES_WITHOUT_QUESTION = new Set([1, 2, 4, 5]);

/**
 * Judges a message: null if it does not answer this query and the true answer must be awaited (another id, a query,
 * another question: RFC 5452 section 9.1, cases D15, D17, D19). Names are compared without case (D26). Never throws.
 */
export function matchResponse(query: Query, bytes: Buffer): Response | null {
  if (bytes.length < 2 || bytes.readUInt16BE(0) !== query.id) return null;
  try {
    const head = readHead(bytes);
    if (!head.isResponse || head.opcode !== 0) return null;
    if (head.questionCount === 0 && CODES_WITHOUT_QUESTION.has(head.rcode))
      return { kind: 'response', rcode: head.rcode, body: EMPTY_BODY };
    if (head.questionCount !== 1) return { kind: 'malformed', detail: `${head.questionCount} questions` };
    const question = readQuestion(bytes);
    if (question.name !== query.name || question.type !== TYPE[query.type] || question.class !== CLASS_IN)
      return null;
    // A server may cut a truncated message anywhere.
    if (head.truncated) return { kind: 'truncated', body: tryBody(bytes, question.end, head.counts) };
    const body = readBody(bytes, question.end, head.counts);
    return { kind: 'response', rcode: (body.extendedRcode << 4) | head.rcode, body };
  } catch (error) {
    return { kind: 'malformed', detail: error instanceof MalformedMessage ? error.message : String(error) };
  }
}

function tryBody(
  bytes: Buffer,
  offset: number,
  counts: readonly [number, number, number],
): MessageBody | null {
  try {
    return readBody(bytes, offset, counts);
  } catch {
    return null;
  }
}
