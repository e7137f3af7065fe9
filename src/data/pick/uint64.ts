/**
 * Unsigned 64-bit arithmetic on two 32-bit halves: hashing a key with BigInt costs ten times as much.
 * Both halves are always 0 … 2^32 - 1.
 */
export interface Uint64 {
  readonly hi: number;
  readonly lo: number;
}

const TWO_32 = 0x1_0000_0000;

/** a × b, modulo 2^64. */
export function multiply(a: Uint64, b: Uint64): Uint64 {
  const a0 = a.lo & 0xffff;
  const a1 = a.lo >>> 16;
  const b0 = b.lo & 0xffff;
  const b1 = b.lo >>> 16;
  const p00 = a0 * b0;
  const p01 = a0 * b1;
  const p10 = a1 * b0;
  const middle = Math.floor(p00 / 0x10000) + (p01 & 0xffff) + (p10 & 0xffff);
  const lo = ((middle << 16) | (p00 & 0xffff)) >>> 0;
  const carry =
    a1 * b1 + Math.floor(p01 / 0x10000) + Math.floor(p10 / 0x10000) + Math.floor(middle / 0x10000);
  const hi = ((carry >>> 0) + (Math.imul(a.lo, b.hi) >>> 0) + (Math.imul(a.hi, b.lo) >>> 0)) >>> 0;
  return { hi, lo };
}

/** a + 1, modulo 2^64. */
export function increment(a: Uint64): Uint64 {
  const lo = (a.lo + 1) >>> 0;
  return { hi: lo === 0 ? (a.hi + 1) >>> 0 : a.hi, lo };
}

/** The remainder of a ÷ n, for 1 ≤ n < 2^20. */
export function remainder(a: Uint64, n: number): number {
  return ((a.hi % n) * (TWO_32 % n) + (a.lo % n)) % n;
}

/** The value of decimal digits, or null where it is 2^64 or more. */
export function parseDecimal(digits: string): Uint64 | null {
  if (digits.length <= 15) {
    const value = Number(digits);
    return { hi: Math.floor(value / TWO_32), lo: value >>> 0 };
  }
  const significant = digits.replace(/^0+/, '');
  if (significant.length > 20) return null;
  const value = BigInt(significant === '' ? '0' : significant);
  return value >= 1n << 64n ? null : { hi: Number(value >> 32n), lo: Number(value & 0xffff_ffffn) };
}
