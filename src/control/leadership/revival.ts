import type { Clock, Timer } from '../../platform/clock.ts';

/**
 * While nobody leads: asks for the health of those that claim but are not ready, at the pace of the search, so that one of
 * them is found ready as quickly as another is found to claim. Whoever still has a question open is not asked twice.
 */
export class Revival {
  readonly #clock: Clock;
  readonly #probe: (only: ReadonlySet<number>) => void;
  readonly #paceMs: (pods: number) => number;
  #pods: ReadonlySet<number> = new Set();
  #startedMs = Number.NEGATIVE_INFINITY;
  #timer: Timer | null = null;

  /** @param probe asks for the health of these Pods @param paceMs from one round to the next */
  constructor(clock: Clock, probe: (only: ReadonlySet<number>) => void, paceMs: (pods: number) => number) {
    this.#clock = clock;
    this.#probe = probe;
    this.#paceMs = paceMs;
  }

  /** @param pods those to be asked from now on; none: it rests */
  follow(pods: readonly number[]): void {
    this.#pods = new Set(pods);
    if (this.#timer === null) this.#schedule();
  }

  /** The pace has become quicker. */
  hurry(): void {
    this.#timer?.clear();
    this.#schedule();
  }

  close(): void {
    this.#pods = new Set();
    this.#timer?.clear();
    this.#timer = null;
  }

  #schedule(): void {
    this.#timer = null;
    if (this.#pods.size === 0) return;
    const waitMs = this.#startedMs + this.#paceMs(this.#pods.size) - this.#clock.nowMs();
    this.#timer = this.#clock.after(waitMs, () => {
      this.#timer = null;
      if (this.#pods.size === 0) return;
      this.#startedMs = this.#clock.nowMs();
      this.#probe(this.#pods);
      this.#schedule();
    });
  }
}
