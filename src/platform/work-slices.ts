import { SLICE_MS } from './turn.ts';

/** Work that can be done a little at a time. */
export interface SlicedWork {
  /** Does a fraction of a millisecond of it. @returns whether there is more to do now */
  step(): boolean;
  /** `step` has thrown: a mistake of this program, whose price is this work's alone. */
  crashed(error: unknown): void;
}

/**
 * Does what many have to do, first come, first served, in slices of `SLICE_MS` a turn of the event loop for all of them
 * together: however much there is, what waits for I/O or a timer gets its say in between. Small work is done at once.
 */
export class WorkSlices {
  #queue: SlicedWork[] = [];
  #next = 0;
  /** Spent since the queue had its turn. */
  #spentMs = 0;
  #isScheduled = false;
  #isRunning = false;

  /** To be added again only after its `step` has returned false. */
  add(work: SlicedWork): void {
    const isFree = this.#next === this.#queue.length && !this.#isRunning && this.#spentMs < SLICE_MS;
    this.#queue.push(work);
    if (isFree) this.#run();
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(this.#turn);
  }

  readonly #turn = (): void => {
    this.#isScheduled = false;
    this.#spentMs = 0;
    this.#run();
    if (this.#next < this.#queue.length) this.#schedule();
  };

  #run(): void {
    this.#isRunning = true;
    const fromMs = performance.now() - this.#spentMs;
    while (this.#next < this.#queue.length && this.#spentMs < SLICE_MS) {
      if (!this.#step(this.#queue[this.#next]!)) this.#next++;
      this.#spentMs = performance.now() - fromMs;
    }
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
