import type { Blocks } from './blocks.ts';

/** A stretch of a composed body. */
export interface BodyPart {
  /** Bytes that it writes in all. */
  readonly length: number;
  readonly done: boolean;
  /** The answer of which this is the last part, or null. */
  readonly last: Blocks | null;
  /** Writes what fits into `out` from `at`. @returns the index after the last byte written */
  write(out: Buffer, at: number): number;
}

/** Bytes of this program's own. */
export class OwnPart implements BodyPart {
  readonly last = null;
  readonly #bytes: Buffer;
  #at = 0;

  constructor(text: string) {
    this.#bytes = Buffer.from(text, 'utf8');
  }

  get length(): number {
    return this.#bytes.length;
  }

  get done(): boolean {
    return this.#at === this.#bytes.length;
  }

  write(out: Buffer, at: number): number {
    const written = this.#bytes.copy(out, at, this.#at);
    this.#at += written;
    return at + written;
  }
}

/** Walks over a stretch of an answer's bytes, block by block. */
class Cursor {
  left: number;
  readonly #blocks: Blocks;
  #block = 0;
  #at: number;

  constructor(blocks: Blocks, start: number, end: number) {
    this.#blocks = blocks;
    this.left = end - start;
    this.#at = start;
  }

  /** The next bytes that lie together, `most` at most. There must be some left. */
  next(most: number): Buffer {
    const { list } = this.#blocks;
    while (this.#at >= list[this.#block]!.length) this.#at -= list[this.#block++]!.length;
    const block = list[this.#block]!;
    const end = Math.min(block.length, this.#at + this.left, this.#at + most);
    const bytes = block.subarray(this.#at, end);
    this.left -= bytes.length;
    this.#at = end;
    return bytes;
  }
}

/** Bytes of an answer as they are. */
export class SlicePart implements BodyPart {
  readonly length: number;
  readonly last: Blocks | null;
  readonly #cursor: Cursor;

  constructor(blocks: Blocks, start: number, end: number, isLast: boolean) {
    this.length = end - start;
    this.last = isLast ? blocks : null;
    this.#cursor = new Cursor(blocks, start, end);
  }

  get done(): boolean {
    return this.#cursor.left === 0;
  }

  write(out: Buffer, at: number): number {
    let to = at;
    while (this.#cursor.left > 0 && to < out.length) to += this.#cursor.next(out.length - to).copy(out, to);
    return to;
  }
}

const ESCAPES = Array.from({ length: 0x80 }, (_, byte) =>
  Buffer.from(JSON.stringify(String.fromCharCode(byte)).slice(1, -1)),
);
const IS_ESCAPED = Uint8Array.from({ length: 256 }, (_, byte) => ((ESCAPES[byte]?.length ?? 1) > 1 ? 1 : 0));
/** Bytes that an escape takes at most. */
const ESCAPE_BYTES = 6;

/** An answer's UTF-8 text as the inside of a JSON string, as JSON.stringify writes it. */
export class TextPart implements BodyPart {
  readonly length: number;
  readonly last: Blocks;
  readonly #cursor: Cursor;

  /** @param escapeCost bytes that escapes add */
  constructor(blocks: Blocks, escapeCost: number) {
    this.length = blocks.length + escapeCost;
    this.last = blocks;
    this.#cursor = new Cursor(blocks, 0, blocks.length);
  }

  get done(): boolean {
    return this.#cursor.left === 0;
  }

  write(out: Buffer, at: number): number {
    let to = at;
    while (this.#cursor.left > 0 && out.length - to >= ESCAPE_BYTES) {
      const bytes = this.#cursor.next(Math.floor((out.length - to) / ESCAPE_BYTES));
      for (let i = 0; i < bytes.length; i++) {
        const byte = bytes[i]!;
        if (IS_ESCAPED[byte] === 0) out[to++] = byte;
        else to += ESCAPES[byte]!.copy(out, to);
      }
    }
    return to;
  }
}

/** Bytes that are encoded at a time: a multiple of three. */
const BASE64_BYTES = 3 * 1024;

/** An answer's bytes in base64 (RFC 4648 section 4). */
export class Base64Part implements BodyPart {
  readonly length: number;
  readonly last: Blocks;
  readonly #cursor: Cursor;
  readonly #group = Buffer.allocUnsafe(BASE64_BYTES);

  constructor(blocks: Blocks) {
    this.length = Math.ceil(blocks.length / 3) * 4;
    this.last = blocks;
    this.#cursor = new Cursor(blocks, 0, blocks.length);
  }

  get done(): boolean {
    return this.#cursor.left === 0;
  }

  write(out: Buffer, at: number): number {
    let to = at;
    for (;;) {
      const size = Math.min(Math.floor((out.length - to) / 4) * 3, BASE64_BYTES, this.#cursor.left);
      if (size === 0) return to;
      let filled = 0;
      while (filled < size) filled += this.#cursor.next(size - filled).copy(this.#group, filled);
      to += out.write(this.#group.toString('base64', 0, size), to, 'latin1');
    }
  }
}
