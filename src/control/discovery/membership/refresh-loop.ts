import type { Clock, Timer } from '../../../platform/clock.ts';
import type { Random } from '../../../platform/random.ts';
import { backOffDelayMs, type RefreshBounds, refreshDelayMs } from './refresh-delay.ts';

/** How a round of questions ended. */
export interface Turn {
  readonly failed: boolean;
  /** What is to be told to people, or null. */
  readonly error: string | null;
  /** What kind of error it is, in one word; null: none. */
  readonly kind: string | null;
  /** For how long the answer is good; null: no hint. */
  readonly ttlMs: number | null;
  /** The next round must not be later than this; null: no matter. */
  readonly withinMs: number | null;
}

export interface LoopTimes {
  readonly lastSuccessAtMs: number | null;
  readonly lastAttemptAtMs: number | null;
  readonly lastError: string | null;
  readonly nextRefreshAtMs: number | null;
}

/** Asks again and again, one round at a time, until closed: whatever a round does, another follows (case N7). */
export class RefreshLoop {
  #timer: Timer | null = null;
  #running = false;
  #soon = false;
  #closed = false;
  #failures = 0;
  #startedAtMs = Number.NEGATIVE_INFINITY;
  #times: LoopTimes = {
    lastSuccessAtMs: null,
    lastAttemptAtMs: null,
    lastError: null,
    nextRefreshAtMs: null,
  };

  readonly #bounds: RefreshBounds;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #ask: () => Promise<Turn>;

  constructor(bounds: RefreshBounds, clock: Clock, random: Random, ask: () => Promise<Turn>) {
    this.#bounds = bounds;
    this.#clock = clock;
    this.#random = random;
    this.#ask = ask;
  }

  start(): void {
    if (!this.#closed && !this.#running && this.#timer === null) void this.#run();
  }

  /** Brings the next round forward, but no closer than the minimum after the last one began. */
  refreshSoon(): void {
    if (this.#closed) return;
    if (this.#running) {
      this.#soon = true;
      return;
    }
    if (this.#timer !== null) this.#schedule(0);
  }

  times(): LoopTimes {
    return this.#times;
  }

  get closed(): boolean {
    return this.#closed;
  }

  close(): void {
    this.#closed = true;
    this.#timer?.clear();
    this.#timer = null;
    this.#times = { ...this.#times, nextRefreshAtMs: null };
  }

  async #run(): Promise<void> {
    this.#timer = null;
    this.#running = true;
    this.#startedAtMs = this.#clock.nowMs();
    this.#times = { ...this.#times, lastAttemptAtMs: this.#clock.wallMs(), nextRefreshAtMs: null };
    let turn: Turn;
    try {
      turn = await this.#ask();
    } catch (error) {
      turn = { failed: true, error: String(error), kind: 'error', ttlMs: null, withinMs: null };
    }
    this.#running = false;
    if (this.#closed) return;
    this.#failures = turn.failed ? this.#failures + 1 : 0;
    const lastSuccessAtMs = turn.failed ? this.#times.lastSuccessAtMs : this.#clock.wallMs();
    this.#times = { ...this.#times, lastSuccessAtMs, lastError: turn.error };
    const delayMs = turn.failed
      ? backOffDelayMs(this.#failures, this.#bounds, this.#random)
      : refreshDelayMs(turn.ttlMs, this.#bounds, this.#random);
    const soon = this.#soon;
    this.#soon = false;
    this.#schedule(soon ? 0 : Math.min(delayMs, turn.withinMs ?? delayMs), soon);
  }

  #schedule(delayMs: number, limited = true): void {
    this.#timer?.clear();
    const earliest = this.#startedAtMs + this.#bounds.refreshMinMs - this.#clock.nowMs();
    const wait = limited ? Math.max(delayMs, earliest, 0) : delayMs;
    this.#times = { ...this.#times, nextRefreshAtMs: this.#clock.wallMs() + wait };
    this.#timer = this.#clock.after(wait, () => void this.#run());
  }
}
