const FIRST_CAPACITY = 1024;

/** Bytes that wait for more: grows by doubling, so that input in single bytes costs no more than it weighs. */
export class PendingBytes {
  #buffer: Buffer | null = null;
  start = 0;
  end = 0;

  get length(): number {
    return this.end - this.start;
  }

  get bytes(): Buffer {
    return this.#buffer!;
  }

  append(chunk: Buffer): void {
    const needed = this.length + chunk.length;
    if (this.#buffer === null || this.end + chunk.length > this.#buffer.length) {
      let capacity = Math.max(FIRST_CAPACITY, this.#buffer?.length ?? 0);
      while (capacity < needed) capacity *= 2;
      const next = Buffer.allocUnsafeSlow(capacity);
      if (this.#buffer !== null) this.#buffer.copy(next, 0, this.start, this.end);
      this.end = this.length;
      this.start = 0;
      this.#buffer = next;
    }
    chunk.copy(this.#buffer, this.end);
    this.end += chunk.length;
  }

  consume(bytes: number): void {
    this.start += bytes;
    if (this.start >= this.end) this.clear();
  }

  clear(): void {
    this.start = 0;
    this.end = 0;
    this.#buffer = null;
  }

  takeAll(): Buffer | null {
    const all = this.length === 0 ? null : Buffer.from(this.#buffer!.subarray(this.start, this.end));
    this.clear();
    return all;
  }
}
