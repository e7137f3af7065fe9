import type { Clock } from '../../src/platform/clock.ts';

/** A clock that moves only when told. Timers run in order of their due time. */
export class VirtualClock implements Clock {
  #nowMs = 0;
  #timers: { at: number; run: () => void }[] = [];

  nowMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return 1_700_000_000_000 + this.#nowMs;
  }

  after(delayMs: number, run: () => void): { clear: () => void } {
    const timer = { at: this.#nowMs + Math.max(0, delayMs), run };
    this.#timers.push(timer);
    return {
      clear: () => {
        this.#timers = this.#timers.filter((other) => other !== timer);
      },
    };
  }

  /** Moves time on, running what falls due, including timers set meanwhile. */
  advance(byMs: number): void {
    const until = this.#nowMs + byMs;
    for (;;) {
      const due = this.#timers.filter((t) => t.at <= until).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#timers = this.#timers.filter((other) => other !== due);
      this.#nowMs = Math.max(this.#nowMs, due.at);
      due.run();
    }
    this.#nowMs = until;
  }

  /** Moves time on without running anything: what falls due meanwhile runs with the next `advance`. */
  skip(byMs: number): void {
    this.#nowMs += byMs;
  }

  get pending(): number {
    return this.#timers.length;
  }
}
