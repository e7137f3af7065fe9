/** How many bytes more a byte takes in a JSON string (RFC 8259 section 7): a backslash, or `\u00XX`. */
const ESCAPE_COST = Uint8Array.from({ length: 256 }, (_, byte) => {
  const written = JSON.stringify(String.fromCharCode(byte)).length - 2;
  return byte < 0x80 ? written - 1 : 0;
});

/** Whether bytes that come in pieces are UTF-8 (RFC 3629 section 4), and how long they would be as a JSON string. */
export class Utf8Check {
  /** Bytes that escapes would add. */
  escapeCost = 0;
  #failed = false;
  /** Continuation bytes that must come, and where the next one must lie. */
  #missing = 0;
  #least = 0x80;
  #most = 0xbf;

  get failed(): boolean {
    return this.#failed;
  }

  /** No more bytes come. @returns whether they were UTF-8 */
  finish(): boolean {
    return !this.#failed && this.#missing === 0;
  }

  push(bytes: Uint8Array, start: number, end: number): void {
    if (this.#failed) return;
    let cost = 0;
    let i = start;
    while (i < end) {
      if (this.#missing === 0) {
        while (i < end && bytes[i]! < 0x80) cost += ESCAPE_COST[bytes[i++]!]!;
        if (i < end && !this.#begin(bytes[i++]!)) return;
      } else {
        const byte = bytes[i++]!;
        if (byte < this.#least || byte > this.#most) {
          this.#failed = true;
          return;
        }
        this.#missing--;
        this.#least = 0x80;
        this.#most = 0xbf;
      }
    }
    this.escapeCost += cost;
  }

  /** The first byte of several: overlong forms, surrogates and what lies beyond U+10FFFF show in the second at the latest. */
  #begin(byte: number): boolean {
    this.#failed = byte < 0xc2 || byte > 0xf4;
    this.#missing = byte >= 0xf0 ? 3 : byte >= 0xe0 ? 2 : 1;
    if (byte === 0xe0) this.#least = 0xa0;
    else if (byte === 0xed) this.#most = 0x9f;
    else if (byte === 0xf0) this.#least = 0x90;
    else if (byte === 0xf4) this.#most = 0x8f;
    return !this.#failed;
  }
}
