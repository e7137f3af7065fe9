import type { SlicedWork, WorkSlices } from '../../platform/work-slices.ts';
import type { ComposedBody } from '../merge/composed-body.ts';
import type { AnswerSink } from '../stream/client.ts';

/** Bytes that a part of a body may need at once, however few are left (an escape). */
export const LEAST_ROOM = 8;

/** Whose answer is pumped. */
export interface PumpOwner {
  /** So many bytes were handed to the client. */
  handedOn(bytes: number): void;
  /** All were. */
  written(): void;
  /** The buffer is no longer needed. @param isUnused nobody can read it any more */
  giveBack(out: Buffer, isUnused: boolean): void;
  mistakeMet(error: unknown): void;
}

/**
 * Writes an answer to a client piece by piece, each after the kernel has taken the one before: a client that does not read costs
 * what was gathered for it and one piece, and its answer is never there as a whole.
 */
export class AnswerPump implements SlicedWork {
  readonly #answer: AnswerSink;
  readonly #slices: WorkSlices;
  readonly #owner: PumpOwner;
  readonly #out: Buffer;
  readonly #body: ComposedBody;
  #isOver = false;

  /** @param answer whose head is composed @param out what it writes from */
  constructor(answer: AnswerSink, slices: WorkSlices, owner: PumpOwner, out: Buffer, body: ComposedBody) {
    this.#answer = answer;
    this.#slices = slices;
    this.#owner = owner;
    this.#out = out;
    this.#body = body;
  }

  start(): void {
    this.#slices.add(this);
  }

  /** Nothing more is written. */
  cancel(): void {
    this.#end(false);
  }

  step(): boolean {
    if (this.#isOver) return false;
    const end = this.#body.fill(this.#out, 0);
    const isLast = this.#body.done;
    const part = [this.#out.subarray(0, end)];
    this.#owner.handedOn(this.#answer.write(part, (isBroken) => this.#taken(isLast, isBroken)));
    if (isLast) this.#owner.written();
    return false;
  }

  crashed(error: unknown): void {
    this.#owner.mistakeMet(error);
  }

  /** An entry from the event loop (docs/adr/0008). */
  #taken(isLast: boolean, isBroken: boolean): void {
    try {
      this.#body.freeSpent();
      if (isLast || isBroken) this.#end(!isBroken);
      else if (!this.#isOver) this.#slices.add(this);
    } catch (error) {
      this.#owner.mistakeMet(error);
    }
  }

  #end(isUnused: boolean): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#owner.giveBack(this.#out, isUnused);
  }
}
