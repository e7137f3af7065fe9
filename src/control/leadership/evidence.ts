import type { Clock, Timer } from '../../platform/clock.ts';

/** At most ten rounds a second (SPEC 3) … */
const GAP_MS = 100;
/** … and fewer where a round is many probes. */
const GAP_PER_POD_MS = 1;

/**
 * Rounds of probes made on evidence that leadership moved. Evidence that arrives during a round asks for another one
 * after it, since the probes of this one may be older than the evidence.
 */
export class EvidenceRounds {
  #running = false;
  #wanted = false;
  #closed = false;
  #lastMs = Number.NEGATIVE_INFINITY;
  #timer: Timer | null = null;
  #first = new Set<number>();

  readonly #clock: Clock;
  readonly #podCount: () => number;
  readonly #round: (first: ReadonlySet<number>, finished: () => void) => void;
  readonly #finished: () => void;

  /** @param round begins one; calls back when every probe of it has ended. @param finished after that. */
  constructor(
    clock: Clock,
    podCount: () => number,
    round: (first: ReadonlySet<number>, finished: () => void) => void,
    finished: () => void,
  ) {
    this.#clock = clock;
    this.#podCount = podCount;
    this.#round = round;
    this.#finished = finished;
  }

  /** @param first the Pod to ask first, if any. */
  evidence(first: number | null): void {
    if (this.#closed) return;
    if (first !== null) this.#first.add(first);
    this.#wanted = true;
    this.#go();
  }

  close(): void {
    this.#closed = true;
    this.#timer?.clear();
  }

  #go(): void {
    if (this.#closed || this.#running || !this.#wanted || this.#timer !== null) return;
    const gapMs = Math.max(GAP_MS, this.#podCount() * GAP_PER_POD_MS);
    const waitMs = this.#lastMs + gapMs - this.#clock.nowMs();
    if (waitMs > 0) {
      this.#timer = this.#clock.after(waitMs, () => {
        this.#timer = null;
        this.#go();
      });
      return;
    }
    this.#lastMs = this.#clock.nowMs();
    this.#running = true;
    this.#wanted = false;
    const first = this.#first;
    this.#first = new Set();
    this.#round(first, () => {
      this.#running = false;
      if (this.#closed) return;
      this.#finished();
      this.#go();
    });
  }
}
