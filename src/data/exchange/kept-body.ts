import { CompactPieces } from '../compact-pieces.ts';
import { KEPT_BODY_BYTES } from '../placement/retry.ts';
import type { Piece } from '../stream/message.ts';

const NOTHING: readonly Piece[] = [];

/**
 * The request's body as far as it is here, as long as the request may be sent, or sent again. Before the first attempt sends
 * it, it only grows until the client is paused; once parts of it have gone by, it is kept up to 64 KiB and given up beyond.
 */
export class KeptBody {
  /** Whether the rule allows another attempt at all. */
  canRepeat: boolean;
  #pieces: CompactPieces | null = null;
  #bytes = 0;
  #givenUp = false;

  constructor(canRepeat: boolean) {
    this.canRepeat = canRepeat;
  }

  /** All of it so far, or null: a part was given up, the request cannot be sent again. */
  get pieces(): readonly Piece[] | null {
    return this.#givenUp ? null : (this.#pieces?.list ?? NOTHING);
  }

  /** Whether no more should be read before an attempt sends it. */
  get isFull(): boolean {
    return this.#bytes >= KEPT_BODY_BYTES;
  }

  /** @param sending the pieces go by: they are kept only within the bound */
  add(pieces: readonly Piece[], bytes: number, sending: boolean): void {
    this.#bytes += bytes;
    if (sending) this.sent();
    if (this.#givenUp) return;
    this.#pieces ??= new CompactPieces();
    for (const piece of pieces) this.#pieces.add(piece);
  }

  /** What is there has been sent: beyond the bound it is not kept for another attempt. */
  sent(): void {
    if (this.#bytes <= KEPT_BODY_BYTES && (this.canRepeat || this.#bytes === 0)) return;
    this.#givenUp = true;
    this.#pieces = null;
  }
}
