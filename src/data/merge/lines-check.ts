import type { Blocks } from './blocks.ts';
import type { BodyCheck, Finding } from './finding.ts';
import { JsonScanner } from './json-scanner.ts';
import { Utf8Check } from './utf8-check.ts';

/**
 * `merge: JSONLines`: every line must be JSON, so that an error page does not become data. Blank lines are dropped, and space
 * around the others: what is left is moved together within the body's own blocks, which it never outgrows.
 */
export class LinesCheck implements BodyCheck {
  readonly #blocks: Blocks;
  readonly #utf8 = new Utf8Check();
  readonly #json = new JsonScanner(null, true);
  #failed = false;
  /** Bytes that were looked at, and how many of them are kept. */
  #seen = 0;
  #kept = 0;
  /** Where the next byte that is kept goes. */
  #block = 0;
  #at = 0;

  constructor(blocks: Blocks) {
    this.#blocks = blocks;
  }

  push(bytes: Buffer, start: number, end: number): void {
    this.#utf8.push(bytes, start, end);
    /** The piece's place in the body. */
    const base = this.#seen - start;
    this.#seen += end - start;
    /** What is kept of the piece and was not moved yet. */
    let from = -1;
    let to = -1;
    const json = this.#json;
    for (let at = start; at < end && !this.#failed; ) {
      const stop = json.push(bytes, at, end);
      if (json.failed || (stop < end && !json.isBlank && !json.finish())) {
        this.#failed = true;
        break;
      }
      if (json.valueStart >= 0) {
        const first = Math.max(json.valueStart - base, at);
        const last = json.valueEnd >= 0 ? json.valueEnd - base : stop;
        if (first !== to && from >= 0) this.#move(bytes, from, to);
        if (first !== to || from < 0) from = first;
        to = Math.max(last, first);
        if (stop < end && to !== stop) {
          // Space before the end of the line goes.
          this.#move(bytes, from, to);
          from = stop;
        }
        if (stop < end) to = stop + 1;
      }
      if (stop === end) break;
      json.skip();
      json.begin();
      at = stop + 1;
    }
    if (from >= 0) this.#move(bytes, from, to);
  }

  finish(): Finding {
    if (!this.#utf8.finish()) return { type: 'unusable', reason: 'its body is not UTF-8' };
    const isOpen = !this.#json.isBlank;
    if (this.#failed || (isOpen && !this.#json.finish()))
      return { type: 'unusable', reason: 'a line of its body is not JSON' };
    this.#blocks.cut(this.#kept);
    return { type: 'lines', isOpen };
  }

  #move(bytes: Buffer, from: number, to: number): void {
    for (let at = from; at < to; ) {
      let block = this.#blocks.list[this.#block]!;
      if (this.#at === block.length) {
        block = this.#blocks.list[++this.#block]!;
        this.#at = 0;
      }
      const length = Math.min(to - at, block.length - this.#at);
      if (block !== bytes || this.#at !== at) copy(bytes, at, block, this.#at, length);
      at += length;
      this.#at += length;
      this.#kept += length;
    }
  }
}

/** Short pieces byte by byte: a call costs more than they do. */
function copy(from: Buffer, at: number, to: Buffer, toAt: number, length: number): void {
  if (length > 64) from.copy(to, toAt, at, at + length);
  else for (let i = 0; i < length; i++) to[toAt + i] = from[at + i]!;
}
