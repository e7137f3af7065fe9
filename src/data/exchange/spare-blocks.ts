import { BLOCK_BYTES } from '../merge/blocks.ts';

/** Blocks that are kept for good. */
const LEAST_KEPT = (4 * 1024 * 1024) / BLOCK_BYTES;
/** How long blocks are kept that nobody needs. */
const TRIM_MS = 5000;

/**
 * Blocks for the next fan-out. Memory outside of V8's heap is given back only by a collection, and making it anew under load brings
 * about collections that stall the loop; so all blocks are used again, and let go of when they were not needed for a while.
 */
const spare: Buffer[] = [];
/** The fewest there were since `trimmedMs`: so many were not needed. */
let fewest = 0;
let trimmedMs = 0;

export function takeBlock(): Buffer {
  const block = spare.pop();
  fewest = Math.min(fewest, spare.length);
  return block ?? Buffer.allocUnsafeSlow(BLOCK_BYTES);
}

/** For a block that nobody, the kernel neither, reads any more. */
export function keepBlock(block: Buffer): void {
  spare.push(block);
}

/** Called every now and then. @param nowMs monotonic */
export function trimSpareBlocks(nowMs: number): void {
  if (nowMs - trimmedMs < TRIM_MS) return;
  trimmedMs = nowMs;
  const unneeded = Math.min(fewest, spare.length - LEAST_KEPT);
  if (unneeded > 0) spare.splice(0, unneeded);
  fewest = spare.length;
}
