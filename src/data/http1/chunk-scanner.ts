import { PendingBytes } from '../pending-bytes.ts';
import { type Fields, NO_FIELDS, type Piece } from '../stream/message.ts';
import { CR, HEX_VALUE, HTAB, LF, SP, TCHAR, VALUE_CHAR } from './bytes.ts';
import { FieldBlock, NEED_MORE } from './field-block.ts';
import { keptTrailers } from './trailers.ts';

/** `framed`: chunks go on as chunks. `data`: only what is in them. */
export type ChunkMode = 'framed' | 'data';

/** Bytes of chunk extensions in one message before it is refused (CVE-2023-39326 and its kind). */
const MAX_EXTENSION_BYTES = 16 * 1024;
/** Fields of a trailer section. */
const MAX_TRAILERS = 100;
/** Hexadecimal digits of a chunk size, leading zeros included. */
const MAX_SIZE_DIGITS = 16;

const SIZE_FIRST = 0;
const SIZE = 1;
const SIZE_LF = 2;
const EXTENSION = 3;
const DATA = 4;
const DATA_CR = 5;
const DATA_LF = 6;
const TRAILER = 7;
const DONE = 8;

/**
 * Walks over a chunked body (RFC 9112 section 7.1) and hands on what may pass: size lines without extensions, data as it
 * is. The last chunk and the trailers are withheld until they are complete and valid, so that a body that breaks off never
 * looks whole.
 */
export class ChunkScanner {
  done = false;
  /** What is wrong, in words. */
  error = '';
  /** Those that may pass, where they do not go on in the body (`data`). */
  trailers: Fields = NO_FIELDS;
  #state = SIZE_FIRST;
  #remaining = 0;
  #digits = 0;
  #extensionBytes = 0;
  #extension = new ExtensionCheck();
  /** A trailer section that came in pieces, so far. */
  #trailer: PendingBytes | null = null;
  #trailerFields: FieldBlock | null = null;
  readonly #mode: ChunkMode;
  readonly #maxTrailerBytes: number;
  readonly #nominated: ReadonlySet<string> | null;

  /** @param nominated lower-case names of fields that end at this hop, in the trailers too */
  constructor(mode: ChunkMode, maxTrailerBytes: number, nominated: ReadonlySet<string> | null) {
    this.#mode = mode;
    this.#maxTrailerBytes = maxTrailerBytes;
    this.#nominated = nominated;
  }

  /**
   * Takes `bytes` from `start` to `end` and appends to `out` what may pass.
   * @returns the index after the last byte taken (of the next message, if done), or -1: malformed, see `error`
   */
  push(bytes: Buffer, start: number, end: number, out: Piece[]): number {
    const framed = this.#mode === 'framed';
    let i = start;
    /** Start of the run of bytes that pass as they are; -1: none. */
    let run = framed && this.#state >= DATA && this.#state <= DATA_LF ? start : -1;
    if (!framed && this.#state === DATA) run = start;
    /** Start of the present size line, or -1 if it began in an earlier call. */
    let lineStart = -1;
    /** End of the size digits where an extension follows, else -1. */
    let digitsEnd = -1;
    while (i < end) {
      switch (this.#state) {
        case SIZE_FIRST:
          lineStart = i;
          digitsEnd = -1;
          this.#digits = 0;
          this.#remaining = 0;
          this.#state = SIZE;
          if (HEX_VALUE[bytes[i]!] === 255) return this.#fail('a chunk size that is not hexadecimal');
          break;
        case SIZE: {
          const byte = bytes[i]!;
          const digit = HEX_VALUE[byte]!;
          if (digit !== 255) {
            if (++this.#digits > MAX_SIZE_DIGITS) return this.#fail('a chunk size of too many digits');
            this.#remaining = this.#remaining * 16 + digit;
            if (this.#remaining > Number.MAX_SAFE_INTEGER) return this.#fail('a chunk size beyond any bound');
          } else if (byte === CR) this.#state = SIZE_LF;
          else if (byte === 0x3b) {
            digitsEnd = i;
            this.#extension.begin();
            this.#extensionBytes++;
            this.#state = EXTENSION;
          } else return this.#fail('a chunk size that is not hexadecimal');
          i++;
          break;
        }
        case EXTENSION: {
          const byte = bytes[i]!;
          if (++this.#extensionBytes > MAX_EXTENSION_BYTES)
            return this.#fail(`chunk extensions of more than ${MAX_EXTENSION_BYTES} bytes`);
          if (byte === CR) {
            if (!this.#extension.complete()) return this.#fail('an incomplete chunk extension');
            this.#state = SIZE_LF;
            if (digitsEnd < 0) lineStart = -1;
          } else if (!this.#extension.take(byte)) return this.#fail('a malformed chunk extension');
          i++;
          break;
        }
        case SIZE_LF:
          if (bytes[i] !== LF) return this.#fail('a chunk size line that does not end in CRLF');
          i++;
          if (this.#remaining === 0) {
            if (framed && lineStart >= 0 && isPlainEnd(bytes, lineStart, i, end)) {
              // All of it is here and as it would be written: it goes with what is before it, uncopied.
              out.push(bytes.subarray(run < 0 ? lineStart : run, i + 2));
              this.done = true;
              this.#state = DONE;
              return i + 2;
            }
            if (run >= 0 && lineStart > run) out.push(bytes.subarray(run, lineStart));
            run = -1;
            this.#state = TRAILER;
          } else {
            this.#state = DATA;
            if (!framed) run = i;
            else if (lineStart < 0 || digitsEnd >= 0) {
              // The line was split over two calls or carried an extension: it is written anew.
              if (run >= 0 && lineStart > run) out.push(bytes.subarray(run, lineStart));
              out.push(`${this.#remaining.toString(16)}\r\n`);
              run = i;
            } else if (run < 0) run = lineStart;
          }
          break;
        case DATA: {
          const take = Math.min(this.#remaining, end - i);
          i += take;
          this.#remaining -= take;
          if (this.#remaining > 0) break;
          this.#state = DATA_CR;
          if (!framed) {
            out.push(bytes.subarray(run, i));
            run = -1;
          }
          break;
        }
        case DATA_CR:
          if (bytes[i] !== CR) return this.#fail('a chunk longer than its size');
          i++;
          this.#state = DATA_LF;
          break;
        case DATA_LF:
          if (bytes[i] !== LF) return this.#fail('a chunk that does not end in CRLF');
          i++;
          this.#state = SIZE_FIRST;
          break;
        case TRAILER: {
          const next = this.#takeTrailer(bytes, i, end, out);
          if (next < 0 || this.done) return next;
          i = next;
          break;
        }
        default:
          return i;
      }
    }
    const runEnd =
      this.#state === SIZE || this.#state === SIZE_LF || this.#state === EXTENSION ? lineStart : end;
    if (run >= 0 && runEnd > run) out.push(bytes.subarray(run, runEnd));
    return end;
  }

  #takeTrailer(bytes: Buffer, from: number, end: number, out: Piece[]): number {
    if (this.#trailerFields === null) {
      this.#trailerFields = new FieldBlock();
      this.#trailerFields.begin(0);
    }
    const before = this.#trailer?.length ?? 0;
    this.#trailer?.append(bytes.subarray(from, end));
    const section = this.#trailer?.bytes ?? bytes;
    const base = this.#trailer?.start ?? from;
    const sectionEnd = this.#trailer?.end ?? end;
    const next = this.#trailerFields.parse(section, base, sectionEnd, MAX_TRAILERS);
    if (next === NEED_MORE) {
      if (sectionEnd - base > this.#maxTrailerBytes)
        return this.#fail(`a trailer section of more than ${this.#maxTrailerBytes} bytes`);
      if (this.#trailer === null) {
        this.#trailer = new PendingBytes();
        this.#trailer.append(bytes.subarray(from, end));
      }
      return end;
    }
    if (next < 0)
      return this.#fail(`a trailer section with ${this.#trailerFields.error || 'too many fields'}`);
    this.done = true;
    this.#state = DONE;
    const text = section.toString('latin1', base, next);
    const kept = keptTrailers(text, this.#trailerFields, this.#nominated);
    if (this.#mode === 'data') this.trailers = kept;
    else out.push(`0\r\n${kept.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`);
    return from + next - base - before;
  }

  #fail(error: string): -1 {
    this.error = error;
    return -1;
  }
}

/** Whether the last chunk, whose size line is from `start` to `next`, is `0\r\n\r\n`: no extension, no trailers. */
function isPlainEnd(bytes: Buffer, start: number, next: number, end: number): boolean {
  return next === start + 3 && next + 2 <= end && bytes[next] === CR && bytes[next + 1] === LF;
}

/** chunk-ext (RFC 9112 section 7.1.1): a name, with or without a token or quoted string, after every `;`. */
class ExtensionCheck {
  /** 0 before the name, 1 in it, 2 before the value, 3 in a token, 4 in quotes, 5 after a backslash, 6 after quotes. */
  #at = 0;

  begin(): void {
    this.#at = 0;
  }

  /** After the `;`: whether the byte may come here. */
  take(byte: number): boolean {
    const isSpace = byte === SP || byte === HTAB;
    switch (this.#at) {
      case 0:
        if (isSpace) return true;
        this.#at = 1;
        return TCHAR[byte] === 1;
      case 1:
        if (byte === 0x3d) this.#at = 2;
        else if (byte === 0x3b) this.#at = 0;
        else return TCHAR[byte] === 1;
        return true;
      case 2:
        if (isSpace) return true;
        this.#at = byte === 0x22 ? 4 : 3;
        return byte === 0x22 || TCHAR[byte] === 1;
      case 3:
      case 6:
        if (byte === 0x3b) this.#at = 0;
        else return this.#at === 3 && TCHAR[byte] === 1;
        return true;
      case 4:
        if (byte === 0x22) this.#at = 6;
        else if (byte === 0x5c) this.#at = 5;
        else return VALUE_CHAR[byte] === 1;
        return true;
      default:
        this.#at = 4;
        return VALUE_CHAR[byte] === 1;
    }
  }

  /** Whether the line may end here. */
  complete(): boolean {
    return this.#at === 1 || this.#at === 3 || this.#at === 6;
  }
}
