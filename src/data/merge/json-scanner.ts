import { BACKSLASH, DIGIT, ESCAPED, hexDigit, LF, PLAIN, QUOTE, SPACE, WORDS } from './json-bytes.ts';
import type { JsonPointer } from './json-pointer.ts';
import { OpenContainers } from './open-containers.ts';

// Where it is in the grammar. Up to START space may come.
const VALUE = 0;
const FIRST_ELEMENT = 1;
const FIRST_NAME = 2;
const NAME = 3;
const NAME_END = 4;
const AFTER_VALUE = 5;
const DONE = 6;
const START = 7;
const MARK_2 = 8;
const MARK_3 = 9;
const STRING = 10;
const ESCAPE = 11;
const HEX = 12;
const WORD = 13;
const MINUS = 14;
// Numbers that may end.
const ZERO = 15;
const INTEGER = 16;
const FRACTION = 17;
const EXPONENT = 18;
// Numbers that may not.
const POINT = 19;
const EXPONENT_MARK = 20;
const EXPONENT_SIGN = 21;
const FAILED = 22;

/**
 * Checks that bytes are one JSON text (RFC 8259), space and a byte order mark around it allowed, as they come in pieces. It
 * keeps nothing of them but a bit for each open container, and never looks back. That strings are UTF-8 is checked by Utf8Check.
 */
export class JsonScanner {
  /** Where the text's value begins and ends in all that was pushed; -1: not yet. */
  valueStart = -1;
  valueEnd = -1;
  /** The value is an object or an array. */
  isStructure = false;
  readonly #pointer: JsonPointer | null;
  readonly #isLine: boolean;
  readonly #open = new OpenContainers();
  #state = START;
  /** Bytes of earlier pieces. */
  #before = 0;
  /** The string is a member's name, and the pointer wants to know its letters. */
  #isName = false;
  #isWatched = false;
  #word: Uint8Array = PLAIN;
  #wordAt = 0;
  #hexDigits = 0;
  #unit = 0;

  /** @param isLine the text ends with the line */
  constructor(pointer: JsonPointer | null, isLine = false) {
    this.#pointer = pointer;
    this.#isLine = isLine;
  }

  /** Another text begins behind what was pushed. */
  begin(): void {
    this.#state = START;
    this.#open.clear();
    this.valueStart = -1;
    this.valueEnd = -1;
  }

  get failed(): boolean {
    return this.#state === FAILED;
  }

  /** Nothing but space has come. */
  get isBlank(): boolean {
    return this.valueStart < 0 && (this.#state === START || this.#state === VALUE);
  }

  /** No more bytes of this text come. @returns whether it is one */
  finish(): boolean {
    if (this.#state >= ZERO && this.#state <= EXPONENT) this.#state = this.#valueEnds(this.#before);
    return this.#state === DONE;
  }

  /** @returns the index after the last byte taken: `end`, or that of the end of the line, or anything once it has failed */
  push(bytes: Uint8Array, start: number, end: number): number {
    const base = this.#before - start;
    let state = this.#state;
    let i = start;
    while (i < end) {
      const byte = bytes[i]!;
      if (state <= START && SPACE[byte] === 1) {
        if (byte === LF && this.#isLine) break;
        if (state === START) state = VALUE;
        i++;
        continue;
      }
      switch (state) {
        case STRING:
          if (this.#isWatched && PLAIN[byte] === 1) {
            this.#pointer!.nameByte(byte);
            i++;
            continue;
          }
          while (i < end && PLAIN[bytes[i]!] === 1) i++;
          if (i === end) continue;
          if (bytes[i] === QUOTE) state = this.#stringEnds(base + i + 1);
          else state = bytes[i] === BACKSLASH ? ESCAPE : FAILED;
          break;
        case ESCAPE:
          if (byte === 0x75) {
            this.#hexDigits = 0;
            this.#unit = 0;
            state = HEX;
          } else {
            state = ESCAPED[byte] === 0 ? FAILED : STRING;
            if (this.#isWatched) this.#pointer!.nameUnit(ESCAPED[byte]!);
          }
          break;
        case HEX: {
          const digit = hexDigit(byte);
          this.#unit = this.#unit * 16 + digit;
          if (digit < 0) state = FAILED;
          else if (++this.#hexDigits === 4) {
            state = STRING;
            if (this.#isWatched) this.#pointer!.nameUnit(this.#unit);
          }
          break;
        }
        case AFTER_VALUE:
          if (byte !== 0x2c) state = this.#closes(byte, base + i + 1);
          else state = this.#open.isObject ? NAME : VALUE;
          break;
        case FIRST_NAME:
        case NAME:
          if (byte === QUOTE) state = this.#nameStarts();
          else state = state === FIRST_NAME ? this.#closes(byte, base + i + 1) : FAILED;
          break;
        case NAME_END:
          state = byte === 0x3a ? VALUE : FAILED;
          break;
        case FIRST_ELEMENT:
          state = byte === 0x5d ? this.#closes(byte, base + i + 1) : this.#valueStarts(byte, base + i);
          break;
        case VALUE:
          state = this.#valueStarts(byte, base + i);
          break;
        case START:
          state = byte === 0xef ? MARK_2 : this.#valueStarts(byte, base + i);
          break;
        case MARK_2:
          state = byte === 0xbb ? MARK_3 : FAILED;
          break;
        case MARK_3:
          state = byte === 0xbf ? VALUE : FAILED;
          break;
        case WORD:
          if (byte !== this.#word[this.#wordAt]) state = FAILED;
          else if (++this.#wordAt === this.#word.length) state = this.#valueEnds(base + i + 1);
          break;
        case INTEGER:
        case FRACTION:
        case EXPONENT:
          if (DIGIT[byte] === 1) break;
          state = afterDigits(state, byte);
          if (state === DONE) {
            // It ended with the byte before.
            state = this.#valueEnds(base + i);
            continue;
          }
          break;
        case ZERO:
          state = afterDigits(INTEGER, byte);
          if (state === DONE) {
            state = this.#valueEnds(base + i);
            continue;
          }
          break;
        case MINUS:
          state = byte === 0x30 ? ZERO : DIGIT[byte] === 1 ? INTEGER : FAILED;
          break;
        case POINT:
          state = DIGIT[byte] === 1 ? FRACTION : FAILED;
          break;
        case EXPONENT_MARK:
          if (byte === 0x2b || byte === 0x2d) state = EXPONENT_SIGN;
          else state = DIGIT[byte] === 1 ? EXPONENT : FAILED;
          break;
        case EXPONENT_SIGN:
          state = DIGIT[byte] === 1 ? EXPONENT : FAILED;
          break;
        default:
          // DONE, or it has failed.
          this.#state = FAILED;
          return i;
      }
      i++;
    }
    this.#state = state;
    this.#before = base + i;
    return i;
  }

  /** Takes a byte that belongs to no text: the end of a line. */
  skip(): void {
    this.#before++;
  }

  #valueStarts(byte: number, at: number): number {
    const { depth } = this.#open;
    if (depth === 0) {
      this.valueStart = at;
      this.isStructure = byte === 0x7b || byte === 0x5b;
    }
    if (this.#pointer !== null && depth <= this.#pointer.reach) this.#pointer.valueStarts(at, depth, byte);
    switch (byte) {
      case QUOTE:
        this.#isName = false;
        this.#isWatched = false;
        return STRING;
      case 0x7b:
        this.#open.push(true);
        return FIRST_NAME;
      case 0x5b:
        this.#open.push(false);
        return FIRST_ELEMENT;
      case 0x2d:
        return MINUS;
      case 0x30:
        return ZERO;
      default: {
        if (DIGIT[byte] === 1) return INTEGER;
        const word = WORDS.get(byte);
        if (word === undefined) return FAILED;
        this.#word = word;
        this.#wordAt = 1;
        return WORD;
      }
    }
  }

  #valueEnds(at: number): number {
    const { depth } = this.#open;
    if (this.#pointer !== null && depth <= this.#pointer.reach) this.#pointer.valueEnds(at, depth);
    if (depth > 0) return AFTER_VALUE;
    this.valueEnd = at;
    return DONE;
  }

  #closes(byte: number, at: number): number {
    if (byte !== (this.#open.isObject ? 0x7d : 0x5d)) return FAILED;
    this.#open.pop();
    return this.#valueEnds(at);
  }

  #nameStarts(): number {
    this.#isName = true;
    this.#isWatched = this.#pointer?.nameStarts(this.#open.depth) ?? false;
    return STRING;
  }

  #stringEnds(at: number): number {
    if (!this.#isName) return this.#valueEnds(at);
    if (this.#isWatched) this.#pointer!.nameEnds();
    return NAME_END;
  }
}

/** @returns what follows the digits of a number's part; DONE: the number ended before this byte */
function afterDigits(state: number, byte: number): number {
  if (byte === 0x2e && state === INTEGER) return POINT;
  if ((byte === 0x65 || byte === 0x45) && state !== EXPONENT) return EXPONENT_MARK;
  return DONE;
}
