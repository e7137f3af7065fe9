import { randomBytes } from 'node:crypto';

/** A uniform number in [0, 1). Tests pass a seeded one. */
export type Random = () => number;

export const systemRandom: Random = Math.random;

/** An unpredictable unsigned 16-bit number (DNS query ids, RFC 5452 section 4.3). */
export function secureUint16(): number {
  return randomBytes(2).readUInt16BE(0);
}
