import { CR, LF, SP, VALUE_CHAR } from './bytes.ts';
import { type ConnectionOptions, connectionOptions } from './connection-options.ts';
import { FieldBlock, NEED_MORE, TOO_MANY_FIELDS } from './field-block.ts';
import * as names from './field-names.ts';
import { readContentLength, readTransferEncoding } from './framing-fields.ts';

const VERSION = Uint8Array.from('HTTP/1.', (c) => c.charCodeAt(0));
/** `HTTP/1.1 200` */
const STATUS_END = 12;
const MAX_FIELDS = 1000;

/** A Pod's answer head, as strict as a request's (RFC 9112 sections 4, 5, 6). Used again for the connection's next one. */
export class ResponseHead {
  readonly fields = new FieldBlock();
  text = '';
  status = 0;
  minor = 1;
  contentLength = -1;
  chunked = false;
  connection: ConnectionOptions = { close: false, keepAlive: false, upgrade: false, nominated: null };
  /** Offset after the status line. */
  fieldsStart = 0;
  /** What is wrong, in words. */
  error = '';
  #inFields = false;

  begin(): void {
    this.#inFields = false;
  }

  /** @returns the index after the head; 0: more bytes are needed; -1: not HTTP, see `error` */
  parse(bytes: Buffer, base: number, end: number, maxBytes: number): number {
    if (!this.#inFields) {
      const next = this.#parseLine(bytes, base, end);
      if (next <= 0)
        return next === 0 && end - base > maxBytes ? this.#fail('a status line without end') : next;
      this.fieldsStart = next - base;
      this.fields.begin(next - base);
      this.#inFields = true;
    }
    const next = this.fields.parse(bytes, base, end, MAX_FIELDS);
    if (next > 0) {
      this.text = bytes.toString('latin1', base, next);
      return this.#judge() ? next : -1;
    }
    if (next === TOO_MANY_FIELDS) return this.#fail(`more than ${MAX_FIELDS} fields`);
    if (next !== NEED_MORE) return this.#fail(this.fields.error);
    return end - base > maxBytes ? this.#fail(`a head of more than ${maxBytes} bytes`) : 0;
  }

  /** Name of field `i`, as it was written. */
  name(i: number): string {
    return this.text.slice(this.fields.offsets[i * 4]!, this.fields.offsets[i * 4 + 1]!);
  }

  value(i: number): string {
    return this.text.slice(this.fields.offsets[i * 4 + 2]!, this.fields.offsets[i * 4 + 3]!);
  }

  #parseLine(bytes: Buffer, base: number, end: number): number {
    const known = Math.min(end - base, STATUS_END);
    for (let k = 0; k < known; k++) {
      const byte = bytes[base + k]!;
      const good =
        k < 7
          ? byte === VERSION[k]
          : k === 7
            ? byte === 0x30 || byte === 0x31
            : k === 8
              ? byte === SP
              : byte >= 0x30 && byte <= 0x39;
      if (!good) return this.#fail('a first line that is no HTTP/1 status line');
    }
    let i = base + STATUS_END;
    if (i >= end) return 0;
    // The reason phrase may be missing with its space: common, and without a second meaning.
    if (bytes[i] !== SP && bytes[i] !== CR) return this.#fail('a status that is not three digits');
    while (i < end && VALUE_CHAR[bytes[i]!] === 1) i++;
    if (i >= end) return 0;
    if (bytes[i] !== CR) return this.#fail('a control byte in the status line');
    if (i + 1 >= end) return 0;
    if (bytes[i + 1] !== LF) return this.#fail('a bare CR in the status line');
    this.minor = bytes[base + 7]! - 0x30;
    this.status =
      (bytes[base + 9]! - 0x30) * 100 + (bytes[base + 10]! - 0x30) * 10 + bytes[base + 11]! - 0x30;
    return this.status < 100 ? this.#fail('a status below 100') : i + 2;
  }

  #judge(): boolean {
    const { fields, text } = this;
    const contentLength = readContentLength(text, fields);
    if (typeof contentLength === 'string') return this.#fail(contentLength) > 0;
    const chunked = readTransferEncoding(text, fields);
    if (typeof chunked === 'string') return this.#fail(chunked) > 0;
    if (chunked && contentLength >= 0) return this.#fail('Content-Length beside Transfer-Encoding') > 0;
    if (chunked && this.minor === 0) return this.#fail('Transfer-Encoding in HTTP/1.0') > 0;
    if (fields.has(names.LOOKALIKE))
      return this.#fail('a field that is Content-Length or Transfer-Encoding but for punctuation') > 0;
    this.contentLength = contentLength;
    this.chunked = chunked;
    this.connection = connectionOptions(text, fields);
    return true;
  }

  #fail(error: string): -1 {
    this.error = error;
    return -1;
  }
}
