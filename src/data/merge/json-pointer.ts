const OPEN_ARRAY = 0x5b;
const OPEN_OBJECT = 0x7b;
const INDEX = /^(?:0|[1-9][0-9]*)$/;

/**
 * Finds the value that a JSON Pointer (RFC 6901) names while a scanner walks over the text. It is told of values and names
 * as they begin and end, by their place in the body; of what lies deeper than `reach` it need not be told. Of members with
 * one name the last one counts, as for JSON.parse.
 */
export class JsonPointer {
  /** Where the value begins and ends; -1: it is not there. */
  start = -1;
  end = -1;
  isArray = false;
  /** Of an array: where its first element begins and its last one ends; -1: it is empty. */
  innerStart = -1;
  innerEnd = -1;
  /** Values inside more containers than this are of no concern. */
  reach = 0;
  readonly #tokens: readonly string[];
  readonly #indices: readonly number[];
  /** How many containers, from the outermost on, are those that the first tokens name and are open now. */
  #onPath = 0;
  /** Of each of these: whether it is an array, and how many elements have begun. */
  readonly #arrays: boolean[] = [];
  readonly #counts: number[] = [];
  /** The name just read is the wanted one. */
  #named = false;
  #inValue = false;
  /** UTF-16 units of the present name that are the wanted one's; -1: it is another. */
  #matched = -1;
  #codePoint = 0;
  #continuations = 0;

  /** @param pointer `''`, or tokens each with a `/` in front */
  constructor(pointer: string) {
    this.#tokens = pointer
      .split('/')
      .slice(1)
      .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
    this.#indices = this.#tokens.map((token) => (INDEX.test(token) ? Number(token) : -1));
  }

  /** @param depth how many containers are open around the value @param first its first byte */
  valueStarts(at: number, depth: number, first: number): void {
    const level = this.#tokens.length;
    if (this.#inValue) {
      if (depth === level + 1 && this.innerStart < 0) this.innerStart = at;
      return;
    }
    if (depth !== this.#onPath || !this.#isWanted(depth)) return;
    this.#named = false;
    if (depth === level) {
      this.start = at;
      this.end = -1;
      this.innerStart = -1;
      this.innerEnd = -1;
      this.isArray = first === OPEN_ARRAY;
      this.#inValue = true;
      this.reach = this.isArray ? level + 1 : level;
    } else if (first === OPEN_ARRAY || first === OPEN_OBJECT) {
      this.#arrays[depth] = first === OPEN_ARRAY;
      this.#counts[depth] = 0;
      this.#onPath = depth + 1;
      this.reach = depth + 1;
    }
  }

  #isWanted(depth: number): boolean {
    if (depth === 0) return true;
    if (!this.#arrays[depth - 1]) return this.#named;
    return this.#counts[depth - 1]!++ === this.#indices[depth - 1];
  }

  /** @param at the place behind it @param depth how many containers are open around it */
  valueEnds(at: number, depth: number): void {
    if (this.#inValue) {
      if (depth === this.#tokens.length) {
        this.end = at;
        this.#inValue = false;
        this.reach = depth;
      } else this.innerEnd = at;
    } else if (depth < this.#onPath) {
      this.#onPath = depth;
      this.reach = depth;
    }
  }

  /** @param depth how many containers are open around the name @returns whether it must be told of the name's letters */
  nameStarts(depth: number): boolean {
    if (depth !== this.#onPath || this.#inValue) return false;
    this.#matched = 0;
    this.#continuations = 0;
    return true;
  }

  /** A byte of UTF-8; whether it is in its place there is checked elsewhere. */
  nameByte(byte: number): void {
    if (byte < 0x80) this.nameUnit(byte);
    else if (byte >= 0xc0) {
      this.#continuations = byte >= 0xf0 ? 3 : byte >= 0xe0 ? 2 : 1;
      this.#codePoint = byte & (0x3f >> this.#continuations);
    } else {
      this.#codePoint = (this.#codePoint << 6) | (byte & 0x3f);
      if (--this.#continuations !== 0) return;
      if (this.#codePoint > 0xffff) {
        this.nameUnit(0xd800 + ((this.#codePoint - 0x10000) >> 10));
        this.nameUnit(0xdc00 + (this.#codePoint & 0x3ff));
      } else this.nameUnit(this.#codePoint);
    }
  }

  /** A unit of UTF-16, as an escape names it. */
  nameUnit(unit: number): void {
    if (this.#matched < 0) return;
    const token = this.#tokens[this.#onPath - 1]!;
    this.#matched = token.charCodeAt(this.#matched) === unit ? this.#matched + 1 : -1;
  }

  nameEnds(): void {
    this.#named = this.#matched === this.#tokens[this.#onPath - 1]!.length;
    // What a member of that name held before is forgotten with it.
    if (this.#named) this.start = -1;
  }
}
