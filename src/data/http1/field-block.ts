import { COLON, CR, HTAB, LF, SP, TCHAR, VALUE_CHAR } from './bytes.ts';
import { fieldId } from './field-names.ts';

/** What `FieldBlock.parse` returns instead of an offset. */
export const NEED_MORE = -1;
export const MALFORMED = -2;
export const TOO_MANY_FIELDS = -3;

const FIRST_CAPACITY = 24;

/**
 * The field lines of a head (or trailer section) as offsets relative to the head's first byte, never as objects. Strict
 * (RFC 9112 section 5): CRLF line ends only, token names with the colon right behind, no folding, no control bytes.
 */
export class FieldBlock {
  /** Four per field: name start, name end, value start, value end (without surrounding white space). */
  offsets = new Int32Array(FIRST_CAPACITY * 4);
  ids = new Uint8Array(FIRST_CAPACITY);
  count = 0;
  /** Bit n is set if a field of number n is present. */
  seen = 0;
  /** Whether every line is written `Name: value` with at most one space and nothing behind the value. */
  canonical = true;
  /** Offset of the empty line's CR, once parsed. */
  blankStart = 0;
  /** What is wrong, in words, after MALFORMED. */
  error = '';
  #next = 0;
  /** End of what was looked at of an unfinished line: without a LF behind it there is nothing new to learn. */
  #scanned = 0;

  /** Begins a block whose first line starts at `offset` (relative to the head). */
  begin(offset: number): void {
    this.count = 0;
    this.seen = 0;
    this.canonical = true;
    this.#next = offset;
    this.#scanned = offset;
  }

  /**
   * Goes on where the last call stopped: complete lines are never read twice.
   * @param base index of the head's first byte in `bytes`; @param end index after the last byte
   * @returns the index after the empty line, or one of the constants above
   */
  parse(bytes: Uint8Array, base: number, end: number, maxFields: number): number {
    let lineStart = base + this.#next;
    if (this.#scanned > this.#next) {
      // Not indexOf: it would look on behind `end`, at each call, to the end of a buffer that grows.
      let at = base + this.#scanned;
      while (at < end && bytes[at] !== LF) at++;
      if (at === end) return this.#pause(base, lineStart, end);
    }
    for (;;) {
      if (lineStart >= end) return this.#pause(base, lineStart, end);
      let i = lineStart;
      if (bytes[i] === CR) {
        if (i + 1 >= end) return this.#pause(base, lineStart, end);
        if (bytes[i + 1] !== LF) return this.#fail('a bare CR');
        this.blankStart = lineStart - base;
        return i + 2;
      }
      while (i < end && TCHAR[bytes[i]!] === 1) i++;
      if (i >= end) return this.#pause(base, lineStart, end);
      if (bytes[i] !== COLON || i === lineStart) return this.#fail(nameError(bytes, lineStart, i));
      const nameEnd = i;
      i++;
      while (i < end && (bytes[i] === SP || bytes[i] === HTAB)) i++;
      const valueStart = i;
      while (i < end && VALUE_CHAR[bytes[i]!] === 1) i++;
      if (i + 1 >= end) {
        if (i < end && bytes[i] !== CR) return this.#fail('a control byte or bare LF in a field value');
        return this.#pause(base, lineStart, end);
      }
      if (bytes[i] !== CR || bytes[i + 1] !== LF)
        return this.#fail('a control byte, bare CR or bare LF in a field value');
      let valueEnd = i;
      while (valueEnd > valueStart && (bytes[valueEnd - 1] === SP || bytes[valueEnd - 1] === HTAB))
        valueEnd--;
      if (this.count >= maxFields) return TOO_MANY_FIELDS;
      if (
        valueEnd !== i ||
        valueStart - nameEnd > 2 ||
        (valueStart - nameEnd === 2 && bytes[nameEnd + 1] !== SP)
      )
        this.canonical = false;
      this.#add(
        lineStart - base,
        nameEnd - base,
        valueStart - base,
        valueEnd - base,
        fieldId(bytes, lineStart, nameEnd - lineStart),
      );
      lineStart = i + 2;
    }
  }

  /** Index of the line after field `i` (relative to the head). */
  lineEnd(i: number): number {
    return i + 1 < this.count ? this.offsets[(i + 1) * 4]! : this.blankStart;
  }

  has(id: number): boolean {
    return (this.seen & (1 << id)) !== 0;
  }

  /** Index of the first field of this number, or -1. */
  find(id: number): number {
    if ((this.seen & (1 << id)) === 0) return -1;
    for (let i = 0; i < this.count; i++) if (this.ids[i] === id) return i;
    return -1;
  }

  /** How many fields of this number there are. */
  countOf(id: number): number {
    let n = 0;
    for (let i = 0; i < this.count; i++) if (this.ids[i] === id) n++;
    return n;
  }

  #add(nameStart: number, nameEnd: number, valueStart: number, valueEnd: number, id: number): void {
    const n = this.count;
    if (n === this.ids.length) this.#grow();
    const at = n * 4;
    const { offsets } = this;
    offsets[at] = nameStart;
    offsets[at + 1] = nameEnd;
    offsets[at + 2] = valueStart;
    offsets[at + 3] = valueEnd;
    this.ids[n] = id;
    this.seen |= 1 << id;
    this.count = n + 1;
  }

  #grow(): void {
    const offsets = new Int32Array(this.offsets.length * 2);
    offsets.set(this.offsets);
    const ids = new Uint8Array(this.ids.length * 2);
    ids.set(this.ids);
    this.offsets = offsets;
    this.ids = ids;
  }

  #pause(base: number, lineStart: number, end: number): number {
    this.#next = lineStart - base;
    this.#scanned = end - base;
    return NEED_MORE;
  }

  #fail(error: string): number {
    this.error = error;
    return MALFORMED;
  }
}

function nameError(bytes: Uint8Array, lineStart: number, at: number): string {
  const byte = bytes[at];
  if (byte === SP || byte === HTAB)
    return at === lineStart ? 'a folded field line' : 'white space before the colon of a field';
  if (byte === LF) return 'a bare LF';
  if (at === lineStart && byte === COLON) return 'a field without a name';
  return byte === CR ? 'a field line without a colon' : 'a byte that no field name may hold';
}
