import { SLICE_MS } from './turn.ts';

/** Work that can be done a little at a time. */
export interface SlicedWork {
  /** Does a fraction of a millisecond of it. @returns whether there is more to do now */
  step(): boolean;
  /** `step` has thrown: a mistake of this program, whose price is this work's alone. */
  crashed(error: unknown): void;
}

const NEVER = -1;

/**
 * Does what many have to do, first come, first served, in slices of `SLICE_MS` a turn of the event loop for all of them
 * together: however much there is, what waits for I/O or a timer gets its say in between. What comes within that time of the
 * first of a turn is done at once.
 */
export class WorkSlices {
  #queue: SlicedWork[] = [];
  #next = 0;
  /** When the present slice began, as if it had been without a break. */
  #sinceMs = NEVER;
  /** Of it, what is spent already. */
  #spentMs = 0;
  #isScheduled = false;
  #isRunning = false;
  readonly #now: () => number;

  /** @param now monotonic milliseconds */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** To be added again only after its `step` has returned false. */
  add(work: SlicedWork): void {
    const isFree = this.#next === this.#queue.length && !this.#isRunning && this.#hasTime();
    this.#queue.push(work);
    if (isFree) this.#run();
    this.#schedule();
  }

  /** Something that was let happen will take so long in this turn, or the next: reading what waits in the kernel. */
  charge(ms: number): void {
    this.#spentMs += ms;
    if (this.#sinceMs !== NEVER) this.#sinceMs -= ms;
  }

  /** The clock runs from the first work of the turn on: what is read and copied for it is a part of what it costs. */
  #hasTime(): boolean {
    const nowMs = this.#now();
    if (this.#sinceMs === NEVER) this.#sinceMs = nowMs - this.#spentMs;
    this.#spentMs = nowMs - this.#sinceMs;
    return this.#spentMs < SLICE_MS;
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(this.#turn);
  }

  readonly #turn = (): void => {
    this.#isScheduled = false;
    this.#spentMs = 0;
    this.#sinceMs = NEVER;
    this.#run();
    this.#sinceMs = NEVER;
    if (this.#next < this.#queue.length) this.#schedule();
  };

  #run(): void {
    this.#isRunning = true;
    while (this.#next < this.#queue.length && this.#hasTime())
      if (!this.#step(this.#queue[this.#next]!)) this.#next++;
    this.#isRunning = false;
    if (this.#next < this.#queue.length && this.#next < 1000) return;
    this.#queue = this.#queue.slice(this.#next);
    this.#next = 0;
  }

  #step(work: SlicedWork): boolean {
    try {
      return work.step();
    } catch (error) {
      work.crashed(error);
      return false;
    }
  }
}
