import type { Blocks } from './blocks.ts';
import type { BodyPart } from './body-parts.ts';

/** A body that is written out of its parts as the client takes it: it is never there as a whole. */
export class ComposedBody {
  /** Bytes in all. */
  readonly length: number;
  readonly #parts: BodyPart[];
  #part = 0;
  /** Written out, but perhaps not sent. */
  readonly #spent: Blocks[] = [];

  constructor(parts: BodyPart[]) {
    this.#parts = parts;
    let length = 0;
    for (const part of parts) length += part.length;
    this.length = length;
  }

  get done(): boolean {
    return this.#part === this.#parts.length;
  }

  /** Writes what fits into `out` from `at`. @returns the index after the last byte written */
  fill(out: Buffer, at: number): number {
    let to = at;
    for (; this.#part < this.#parts.length; this.#part++) {
      const part = this.#parts[this.#part]!;
      to = part.write(out, to);
      if (!part.done) return to;
      if (part.last !== null) this.#spent.push(part.last);
    }
    return to;
  }

  /** Frees the answers of which nothing more is needed: what was written out of them has been sent. */
  freeSpent(): void {
    for (const blocks of this.#spent) blocks.free();
    this.#spent.length = 0;
  }
}
