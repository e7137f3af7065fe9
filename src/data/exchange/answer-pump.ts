import type { Socket } from 'node:net';
import type { SlicedWork, WorkSlices } from '../../platform/work-slices.ts';
import type { ComposedBody } from '../merge/composed-body.ts';

/** Bytes that a part of a body may need at once, however few are left (an escape). */
export const LEAST_ROOM = 8;

/** Whose answer is pumped. */
export interface PumpOwner {
  /** So many bytes were handed to the client's socket. */
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
  readonly #socket: Socket;
  readonly #slices: WorkSlices;
  readonly #owner: PumpOwner;
  readonly #out: Buffer;
  readonly #body: ComposedBody;
  #head: string;
  #isOver = false;

  /** @param out what it writes from @param head the head's bytes, as a byte string */
  constructor(
    socket: Socket,
    slices: WorkSlices,
    owner: PumpOwner,
    out: Buffer,
    head: string,
    body: ComposedBody,
  ) {
    this.#socket = socket;
    this.#slices = slices;
    this.#owner = owner;
    this.#out = out;
    this.#head = head;
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
    let end = 0;
    if (this.#head.length + LEAST_ROOM <= this.#out.length) end = this.#out.write(this.#head, 'latin1');
    else this.#socket.write(this.#head, 'latin1');
    const sent = this.#head.length - end;
    this.#head = '';
    end = this.#body.fill(this.#out, end);
    const isLast = this.#body.done;
    this.#owner.handedOn(sent + end);
    this.#socket.write(this.#out.subarray(0, end), (error) => this.#taken(isLast, error != null));
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
