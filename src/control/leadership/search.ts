import type { Clock } from '../../platform/clock.ts';

/** How long a search stays quick without a reason to go on … */
const QUICK_MS = 10_000;
/** … and when it has slowed down to the usual period (SPEC 2, `searchPeriod`). */
const EASED_MS = 30_000;
/** Fewer rounds where a round is many probes. */
const GAP_PER_POD_MS = 1;
/** The default of `leader.probe.searchPeriod`, for what has no such key. */
export const SEARCH_PERIOD_MS = 100;

/**
 * How often Pods are asked while no single leader is known (SPEC 3, Leadership): quickly at first, then ever more slowly, and
 * quickly again when there is a reason to hope or to hurry. It belongs to what is believed of a backend, not to who asks.
 */
export class Search {
  readonly #clock: Clock;
  /** null: a leader is known, nobody searches. */
  #quickSinceMs: number | null;

  /** Searches from the start: nobody is known then. */
  constructor(clock: Clock) {
    this.#clock = clock;
    this.#quickSinceMs = clock.nowMs();
  }

  /** No single leader is known any more. @returns false: so it was before */
  begin(): boolean {
    if (this.#quickSinceMs !== null) return false;
    this.#quickSinceMs = this.#clock.nowMs();
    return true;
  }

  /** One is known. @returns false: so it was before */
  end(): boolean {
    if (this.#quickSinceMs === null) return false;
    this.#quickSinceMs = null;
    return true;
  }

  /** Goes on with the search of another, as slow as that one has become. */
  follow(before: Search): void {
    this.#quickSinceMs = before.#quickSinceMs;
  }

  /** A request waits, or something happened. @returns whether a search had slowed down and has become quick by it */
  quicken(): boolean {
    if (this.#quickSinceMs === null) return false;
    const hadSlowed = this.#slowness() > 0;
    this.#quickSinceMs = this.#clock.nowMs();
    return hadSlowed;
  }

  /** Whether somebody searches, and not as slowly as one asks anyway. */
  get isOn(): boolean {
    return this.#quickSinceMs !== null && this.#slowness() < 1;
  }

  /**
   * Milliseconds from the start of one probe of a Pod to that of the next; never more than the usual period.
   * @param pods how many are asked
   */
  periodMs(searchPeriodMs: number, usualMs: number, pods: number): number {
    if (this.#quickSinceMs === null) return usualMs;
    const quickMs = Math.min(usualMs, Math.max(searchPeriodMs, pods * GAP_PER_POD_MS));
    const slowness = this.#slowness();
    return slowness === 1 ? usualMs : quickMs * (usualMs / quickMs) ** slowness;
  }

  /** 0: quick … 1: as slow as usual. */
  #slowness(): number {
    const searchedMs = this.#clock.nowMs() - (this.#quickSinceMs ?? 0);
    return Math.min(1, Math.max(0, (searchedMs - QUICK_MS) / (EASED_MS - QUICK_MS)));
  }
}
