/** Where the blocks of answers come from, within a bound. */
export interface BlockSource {
  /** @returns a block of that size, or null: there is no room for it */
  take(bytes: number): Buffer | null;
  giveBack(block: Buffer): void;
}

const LEAST_BYTES = 4 * 1024;
/** Of a large body: that of the reads that it comes in. */
export const BLOCK_BYTES = 64 * 1024;

/** The bytes of one answer, copied out of the buffers that they were read into, in blocks that are full but for the last. */
export class Blocks {
  readonly list: Buffer[] = [];
  length = 0;
  readonly #source: BlockSource;
  readonly #expected: number;
  /** Free bytes of the last block. */
  #room = 0;

  /** @param expected how many bytes will come, where that is known, else 0 */
  constructor(source: BlockSource, expected: number) {
    this.#source = source;
    this.#expected = expected;
  }

  /** @returns whether there was room for all of them */
  append(bytes: Buffer): boolean {
    for (let at = 0; at < bytes.length; ) {
      if (this.#room === 0 && !this.#grow(bytes.length - at)) return false;
      const last = this.list[this.list.length - 1]!;
      const taken = bytes.copy(last, last.length - this.#room, at);
      at += taken;
      this.#room -= taken;
      this.length += taken;
    }
    return true;
  }

  /** Keeps the first `length` bytes only. */
  cut(length: number): void {
    let rest = this.length - length;
    this.length = length;
    while (this.list.length > 0) {
      const used = this.list[this.list.length - 1]!.length - this.#room;
      if (rest < used) break;
      this.#source.giveBack(this.list.pop()!);
      this.#room = 0;
      rest -= used;
    }
    if (this.list.length > 0) this.#room += rest;
  }

  /** Gives all of it back. Nothing may read or write it any more. */
  free(): void {
    for (const block of this.list) this.#source.giveBack(block);
    this.list.length = 0;
    this.length = 0;
    this.#room = 0;
  }

  #grow(least: number): boolean {
    const { list } = this;
    const doubled = list.length === 0 ? LEAST_BYTES : list[list.length - 1]!.length * 2;
    const wanted =
      this.#expected > 0 ? Math.max(this.#expected - this.length, least) : Math.max(doubled, least);
    const block = this.#source.take(Math.min(wanted, BLOCK_BYTES));
    if (block === null) return false;
    list.push(block);
    this.#room = block.length;
    return true;
  }
}
