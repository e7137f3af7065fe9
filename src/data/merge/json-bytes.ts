/** Byte classes of JSON (RFC 8259) as tables: one load per byte. */

const table = (accepts: (byte: number) => boolean): Uint8Array =>
  Uint8Array.from({ length: 256 }, (_, byte) => (accepts(byte) ? 1 : 0));

export const LF = 0x0a;
export const QUOTE = 0x22;
export const BACKSLASH = 0x5c;
export const SPACE = table((byte) => [0x20, 0x09, LF, 0x0d].includes(byte));
export const DIGIT = table((byte) => byte >= 0x30 && byte <= 0x39);
/** What stands for itself in a string (RFC 8259 section 7). */
export const PLAIN = table((byte) => byte >= 0x20 && byte !== QUOTE && byte !== BACKSLASH);
/** What an escape of one letter stands for; 0: there is no such escape. */
export const ESCAPED = Uint8Array.from({ length: 256 }, (_, byte) => {
  const at = '"\\/bfnrt'.indexOf(String.fromCharCode(byte));
  return at < 0 ? 0 : '"\\/\b\f\n\r\t'.charCodeAt(at);
});
export const WORDS: ReadonlyMap<number, Uint8Array> = new Map(
  ['true', 'false', 'null'].map((word) => [
    word.charCodeAt(0),
    Uint8Array.from(word, (c) => c.charCodeAt(0)),
  ]),
);

/** @returns the value of a hexadecimal digit, or -1 */
export function hexDigit(byte: number): number {
  if (DIGIT[byte] === 1) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}
