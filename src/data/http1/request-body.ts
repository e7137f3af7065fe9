import type { Piece } from '../stream/message.ts';
import { ChunkScanner } from './chunk-scanner.ts';
import type { RequestHead } from './request-head.ts';

/** Reads a request's body from bytes that come in any pieces. Chunks go on as chunks, without extensions. */
export class RequestBody {
  complete: boolean;
  error = '';
  #remaining: number;
  readonly #scanner: ChunkScanner | null;

  constructor(head: RequestHead, maxTrailerBytes: number) {
    const { contentLength, chunked, connection } = head;
    this.#remaining = Math.max(0, contentLength);
    this.#scanner = chunked ? new ChunkScanner('framed', maxTrailerBytes, connection.nominated) : null;
    this.complete = !chunked && this.#remaining === 0;
  }

  /** Appends body bytes to `out`. @returns the index after the last byte taken, or -1: malformed, see `error` */
  push(bytes: Buffer, start: number, end: number, out: Piece[]): number {
    if (this.#scanner !== null) {
      const next = this.#scanner.push(bytes, start, end, out);
      this.error = this.#scanner.error;
      this.complete = this.#scanner.done;
      return next;
    }
    const take = Math.min(this.#remaining, end - start);
    this.#remaining -= take;
    this.complete = this.#remaining === 0;
    if (take > 0) out.push(bytes.subarray(start, start + take));
    return start + take;
  }
}
