import type { RetryConfig } from '../../model/config.ts';

/** How long a request counts for the budget. */
const WINDOW_MS = 10_000;
const SLOTS = 10;

/**
 * Bounds retries to a share of the requests of the last ten seconds, and a minimum a second beside it (as linkerd's and
 * Finagle's budgets), so that a failing backend is not hit harder by those that try again.
 */
export class RetryBudget {
  readonly #percent: number;
  readonly #minPerSecond: number;
  readonly #requests = new Array<number>(SLOTS).fill(0);
  readonly #retries = new Array<number>(SLOTS).fill(0);
  #slot = 0;

  constructor(budget: NonNullable<RetryConfig['budget']>) {
    this.#percent = budget.percent;
    this.#minPerSecond = budget.minPerSecond;
  }

  /** A first attempt. */
  request(nowMs: number): void {
    this.#turn(nowMs);
    this.#requests[this.#slot % SLOTS]!++;
  }

  /** Whether one more retry fits; if so it is counted. */
  spend(nowMs: number): boolean {
    this.#turn(nowMs);
    const sum = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0);
    const share = (sum(this.#requests) * this.#percent) / 100;
    const inThisSecond = this.#retries[this.#slot % SLOTS]!;
    if (sum(this.#retries) + 1 > share && inThisSecond + 1 > this.#minPerSecond) return false;
    this.#retries[this.#slot % SLOTS]!++;
    return true;
  }

  #turn(nowMs: number): void {
    const slot = Math.floor(nowMs / (WINDOW_MS / SLOTS));
    for (let s = Math.max(this.#slot + 1, slot - SLOTS + 1); s <= slot; s++) {
      this.#requests[s % SLOTS] = 0;
      this.#retries[s % SLOTS] = 0;
    }
    this.#slot = slot;
  }
}
