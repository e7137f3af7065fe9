import { increment, multiply, type Uint64 } from './uint64.ts';

/** FNV offset basis and prime for 64 bits (draft-eastlake-fnv section 5). */
const OFFSET_BASIS: Uint64 = { hi: 0xcbf29ce4, lo: 0x84222325 };
const PRIME_LOW = 0x1b3;

/** The 64-bit FNV-1a of a byte string. The prime is 2^40 + 0x1b3, so a step is one short product and one shift. */
export function fnv1a64(bytes: string): Uint64 {
  let { hi, lo } = OFFSET_BASIS;
  for (let i = 0; i < bytes.length; i++) {
    lo = (lo ^ (bytes.charCodeAt(i) & 0xff)) >>> 0;
    const low = lo * PRIME_LOW;
    hi = (hi * PRIME_LOW + Math.floor(low / 0x1_0000_0000) + ((lo << 8) >>> 0)) >>> 0;
    lo = low >>> 0;
  }
  return { hi, lo };
}

const MULTIPLIER: Uint64 = { hi: 0x27bb2ee6, lo: 0x87b0b0fd };

/**
 * The bucket of a key, 0 … buckets - 1: when a bucket is added, 1/n of the keys move, all of them to the new one.
 * Lamping and Veach, "A Fast, Minimal Memory, Consistent Hash Algorithm", arXiv 1406.2294, figure 1.
 */
export function jumpHash(key: Uint64, buckets: number): number {
  let state = key;
  let bucket = -1;
  let next = 0;
  while (next < buckets) {
    bucket = next;
    state = increment(multiply(state, MULTIPLIER));
    next = Math.floor((bucket + 1) * (0x8000_0000 / ((state.hi >>> 1) + 1)));
  }
  return bucket;
}
