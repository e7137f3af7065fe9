/** The JSON containers that are open, innermost last: one bit each, so that a text nested millions deep costs little. */
export class OpenContainers {
  depth = 0;
  #objects = new Uint8Array(8);

  clear(): void {
    this.depth = 0;
  }

  push(isObject: boolean): void {
    const index = this.depth >>> 3;
    if (index === this.#objects.length) {
      const grown = new Uint8Array(index * 2);
      grown.set(this.#objects);
      this.#objects = grown;
    }
    const bit = 1 << (this.depth & 7);
    if (isObject) this.#objects[index]! |= bit;
    else this.#objects[index]! &= ~bit;
    this.depth++;
  }

  pop(): void {
    this.depth--;
  }

  /** Whether the innermost one is an object, not an array. There must be one. */
  get isObject(): boolean {
    const at = this.depth - 1;
    return ((this.#objects[at >>> 3]! >>> (at & 7)) & 1) === 1;
  }
}
