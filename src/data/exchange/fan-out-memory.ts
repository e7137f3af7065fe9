import { BLOCK_BYTES, type BlockSource } from '../merge/blocks.ts';
import { keepBlock, takeBlock } from './spare-blocks.ts';

/** Below this size a block is cut from Node's pool. */
const POOLED_BYTES = 4 * 1024;

/**
 * What the fan-outs of one listener hold together: requests, answers, and what is written out of them, until the client's
 * kernel has taken it. What does not fit is refused, never waited for: a fan-out that waited would keep what it has while it
 * does, and two of them could wait for each other for ever.
 */
export class FanOutMemory {
  #bytes = 0;

  /** How many are held. */
  get bytes(): number {
    return this.#bytes;
  }

  /** @param limit `limits.fanOutBytes` as it is now @returns whether they fit; then they are held */
  hold(bytes: number, limit: number): boolean {
    if (this.#bytes + bytes > limit) return false;
    this.#bytes += bytes;
    return true;
  }

  release(bytes: number): void {
    this.#bytes -= bytes;
  }

  /** Whether a block still fits. */
  hasRoom(limit: number): boolean {
    return this.#bytes + BLOCK_BYTES <= limit;
  }

  /** @returns a block that is held, or null: it does not fit */
  take(bytes: number, limit: number): Buffer | null {
    if (!this.hold(bytes, limit)) return null;
    if (bytes === BLOCK_BYTES) return takeBlock();
    return bytes < POOLED_BYTES ? Buffer.allocUnsafe(bytes) : Buffer.allocUnsafeSlow(bytes);
  }

  /** @param isUnused nobody, the kernel neither, may read it any more: it can be taken again */
  giveBack(block: Buffer, isUnused: boolean): void {
    this.release(block.length);
    if (isUnused && block.length === BLOCK_BYTES) keepBlock(block);
  }
}

/** One fan-out's part of it. */
export class FanOutShare implements BlockSource {
  /** `limits.fanOutBytes` as it was when the request came. */
  readonly limit: number;
  readonly #memory: FanOutMemory;
  /** Held, but in no block. */
  #bytes = 0;

  constructor(memory: FanOutMemory, limit: number) {
    this.#memory = memory;
    this.limit = limit;
  }

  /** Whether it is worth beginning. */
  get hasRoom(): boolean {
    return this.#memory.hasRoom(this.limit);
  }

  /** @returns whether so many bytes more fit: they are held until `end` */
  hold(bytes: number): boolean {
    if (!this.#memory.hold(bytes, this.limit)) return false;
    this.#bytes += bytes;
    return true;
  }

  take(bytes: number): Buffer | null {
    return this.#memory.take(bytes, this.limit);
  }

  giveBack(block: Buffer, isUnused = true): void {
    this.#memory.giveBack(block, isUnused);
  }

  /** What is in no block is not needed any more. */
  end(): void {
    this.#memory.release(this.#bytes);
    this.#bytes = 0;
  }
}
