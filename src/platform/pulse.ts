import { type Clock, systemClock, type Timer } from './clock.ts';

const BEAT_MS = 100;
/** Lateness under this is ordinary work. */
const STALL_FROM_MS = 500;

/**
 * Notices that this process stood still: stopped, starved, or busy in one turn. What was known before may be wrong by then.
 *
 * After a stall libuv runs timers first, so that the beat is told before bytes of clients are read; but a turn that was long
 * in its poll phase goes on with the other sockets' bytes. So whoever acts on knowledge asks `check` with the time that it has
 * in hand: one comparison.
 */
export class Pulse {
  readonly #clock: Clock;
  readonly #listeners = new Set<(stalledMs: number) => void>();
  #lastMs: number;
  #timer: Timer;

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
    this.#lastMs = clock.nowMs();
    this.#timer = this.#arm();
  }

  /** @returns a function that ends the subscription. */
  subscribe(listener: (stalledMs: number) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** @param nowMs monotonic milliseconds */
  check(nowMs: number): void {
    const lateMs = nowMs - this.#lastMs - BEAT_MS;
    if (lateMs < STALL_FROM_MS) return;
    this.#lastMs = nowMs;
    for (const listener of this.#listeners) listener(lateMs);
  }

  close(): void {
    this.#timer.clear();
  }

  #arm(): Timer {
    return this.#clock.after(BEAT_MS, () => {
      const nowMs = this.#clock.nowMs();
      this.check(nowMs);
      this.#lastMs = nowMs;
      this.#timer = this.#arm();
    });
  }
}
