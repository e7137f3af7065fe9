import type { Piece } from './stream/message.ts';

/** Pieces up to this size are put together: the object that each is costs some 200 bytes more than it holds. */
const SMALL_BYTES = 512;
const BLOCK_BYTES = 4 * 1024;

/**
 * A body in pieces that weighs about what it says, however small the segments and chunks were that it came in. What is kept is
 * not changed any more: pieces handed out may be in use by a socket while more are added.
 */
export class CompactPieces {
  readonly list: Piece[] = [];
  #block: Buffer | null = null;
  /** Where the last piece begins and ends in the block; it grows as long as it is the last one. */
  #start = 0;
  #end = 0;

  /** The first piece, and large ones, are kept as they are. */
  add(piece: Piece): void {
    if (this.list.length === 0 || piece.length > SMALL_BYTES) {
      this.list.push(piece);
      this.#start = this.#end;
      return;
    }
    if (this.#block === null || this.#end + piece.length > BLOCK_BYTES) {
      this.#block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
      this.#start = 0;
      this.#end = 0;
    }
    const grows = this.#end > this.#start;
    if (typeof piece === 'string') this.#block.write(piece, this.#end, 'latin1');
    else piece.copy(this.#block, this.#end);
    this.#end += piece.length;
    const joined = this.#block.subarray(this.#start, this.#end);
    if (grows) this.list[this.list.length - 1] = joined;
    else this.list.push(joined);
  }
}
