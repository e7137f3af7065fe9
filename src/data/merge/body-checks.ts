import type { BodyCheck, Finding } from './finding.ts';
import { JsonPointer } from './json-pointer.ts';
import { JsonScanner } from './json-scanner.ts';
import { Utf8Check } from './utf8-check.ts';

/** Makes a digest out of bytes that come in pieces: two bodies with one digest are the same. */
export interface Digest {
  update(bytes: Uint8Array): void;
  finish(): string;
}

/** `respond: Quorum`: equal digests stand for equal bodies. */
export class DigestCheck implements BodyCheck {
  readonly #digest: Digest;

  constructor(digest: Digest) {
    this.#digest = digest;
  }

  push(bytes: Buffer, start: number, end: number): void {
    this.#digest.update(bytes.subarray(start, end));
  }

  finish(): Finding {
    return { type: 'digest', digest: this.#digest.finish() };
  }
}

/**
 * `respond: All`: what says that it is JSON and is, or is an object or array whatever it says, is put in as it is; a number or
 * `true` under another type stays the text that it was.
 */
export class EmbeddedCheck implements BodyCheck {
  readonly #isDeclared: boolean;
  readonly #utf8 = new Utf8Check();
  readonly #json = new JsonScanner(null);

  /** @param isDeclared the answer says that it is JSON */
  constructor(isDeclared: boolean) {
    this.#isDeclared = isDeclared;
  }

  push(bytes: Buffer, start: number, end: number): void {
    this.#utf8.push(bytes, start, end);
    this.#json.push(bytes, start, end);
  }

  finish(): Finding {
    if (!this.#utf8.finish()) return { type: 'binary' };
    const json = this.#json;
    if (json.finish() && (this.#isDeclared || json.isStructure))
      return { type: 'json', start: json.valueStart, end: json.valueEnd };
    return { type: 'text', escapeCost: this.#utf8.escapeCost };
  }
}

/** `merge: ConcatArrays`: UTF-8, JSON, and an array where the pointer says. */
export class ArrayCheck implements BodyCheck {
  readonly #pointer: string;
  readonly #found: JsonPointer;
  readonly #utf8 = new Utf8Check();
  readonly #json: JsonScanner;

  constructor(pointer: string) {
    this.#pointer = pointer;
    this.#found = new JsonPointer(pointer);
    this.#json = new JsonScanner(this.#found);
  }

  push(bytes: Buffer, start: number, end: number): void {
    this.#utf8.push(bytes, start, end);
    this.#json.push(bytes, start, end);
  }

  finish(): Finding {
    const found = this.#found;
    if (!this.#utf8.finish()) return { type: 'unusable', reason: 'its body is not UTF-8' };
    if (!this.#json.finish()) return { type: 'unusable', reason: 'its body is not JSON' };
    if (found.start < 0) return { type: 'unusable', reason: `there is nothing at ${this.#pointer}` };
    if (!found.isArray)
      return { type: 'unusable', reason: `there is no array at ${this.#pointer || 'the top'}` };
    return {
      type: 'array',
      text: { start: this.#json.valueStart, end: this.#json.valueEnd },
      array: { start: found.start, end: found.end },
      inner: { start: found.innerStart, end: found.innerEnd },
    };
  }
}
