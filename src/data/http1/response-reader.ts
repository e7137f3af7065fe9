import { PendingBytes } from '../pending-bytes.ts';
import { type Fields, NO_FIELDS, type Piece, type ResponseMessage } from '../stream/message.ts';
import { type ChunkMode, ChunkScanner } from './chunk-scanner.ts';
import { ResponseHead } from './response-head.ts';

/** How the end of an answer's body is found (RFC 9112 section 6.3). */
export type BodyFraming = 'none' | 'length' | 'chunked' | 'close';

/** Bytes of an answer head before it is refused. */
const MAX_HEAD_BYTES = 64 * 1024;

/**
 * Reads answers from bytes that come in any pieces: heads one after another (interim ones first), then the body. Knows
 * nothing of sockets; one per upstream connection, used again for each request on it.
 */
export class ResponseReader implements ResponseMessage {
  readonly head = new ResponseHead();
  framing: BodyFraming = 'none';
  /** The whole answer has been read. */
  complete = false;
  error = '';
  /** An unfinished head. */
  readonly #pending = new PendingBytes();
  #remaining = 0;
  #scanner: ChunkScanner | null = null;

  get status(): number {
    return this.head.status;
  }

  get contentLength(): number {
    return this.framing === 'length' ? this.head.contentLength : -1;
  }

  get headBytes(): number {
    return this.head.text.length;
  }

  header(name: string): string | undefined {
    const { head } = this;
    for (let i = 0; i < head.fields.count; i++) if (head.name(i).toLowerCase() === name) return head.value(i);
    return undefined;
  }

  fieldList(): Fields {
    const { head } = this;
    const { nominated } = head.connection;
    const list: [string, string][] = [];
    for (let i = 0; i < head.fields.count; i++) {
      const name = head.name(i);
      if (!nominated?.has(name.toLowerCase())) list.push([name, head.value(i)]);
    }
    return list;
  }

  /** Of a body that was read as data alone. */
  get trailers(): Fields {
    return this.#scanner?.trailers ?? NO_FIELDS;
  }

  /** Before the first byte of an answer. */
  begin(): void {
    this.head.begin();
    this.#pending.clear();
    this.#scanner = null;
    this.complete = false;
  }

  /** After an interim head: the next one. */
  next(): void {
    this.head.begin();
  }

  /** Whether bytes of an unfinished head are kept. */
  get inHead(): boolean {
    return this.#pending.length > 0;
  }

  /** Bytes of the body that are still to come, where that is known. */
  get remaining(): number {
    return this.framing === 'length' ? this.#remaining : 0;
  }

  /** @returns the index after a head; 0: more bytes are needed (these are kept); -1: not HTTP, see `error` */
  readHead(bytes: Buffer, start: number, end: number): number {
    const pending = this.#pending;
    const before = pending.length;
    if (before === 0) {
      const next = this.head.parse(bytes, start, end, MAX_HEAD_BYTES);
      if (next === 0) pending.append(bytes.subarray(start, end));
      else if (next < 0) this.error = this.head.error;
      return next;
    }
    pending.append(bytes.subarray(start, end));
    const next = this.head.parse(pending.bytes, pending.start, pending.end, MAX_HEAD_BYTES);
    if (next === 0) return 0;
    const used = next - pending.start - before;
    pending.clear();
    if (next > 0) return start + used;
    this.error = this.head.error;
    return -1;
  }

  /** After the final head. @param mode what becomes of chunks */
  beginBody(method: string, mode: ChunkMode): void {
    const { head } = this;
    if (method === 'HEAD' || head.status === 204 || head.status === 304) this.framing = 'none';
    else if (head.chunked) {
      this.framing = 'chunked';
      this.#scanner = new ChunkScanner(mode, MAX_HEAD_BYTES, head.connection.nominated);
    } else if (head.contentLength >= 0) {
      this.framing = head.contentLength === 0 ? 'none' : 'length';
      this.#remaining = head.contentLength;
    } else this.framing = 'close';
    this.complete = this.framing === 'none';
  }

  /** Appends body bytes to `out`. @returns the index after the last byte taken, or -1: malformed, see `error` */
  readBody(bytes: Buffer, start: number, end: number, out: Piece[]): number {
    if (this.framing === 'length') {
      const take = Math.min(this.#remaining, end - start);
      this.#remaining -= take;
      if (this.#remaining === 0) this.complete = true;
      if (take > 0) out.push(take === bytes.length ? bytes : bytes.subarray(start, start + take));
      return start + take;
    }
    if (this.framing === 'chunked') {
      const next = this.#scanner!.push(bytes, start, end, out);
      if (next < 0) this.error = this.#scanner!.error;
      else if (this.#scanner!.done) this.complete = true;
      return next;
    }
    if (this.framing === 'close' && end > start) out.push(bytes.subarray(start, end));
    return this.framing === 'close' ? end : start;
  }
}
