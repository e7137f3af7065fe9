import type { Clock, Timer } from '../../platform/clock.ts';
import type { Logger } from '../../platform/logger.ts';
import type { HoldObserver, HoldOutcome, HoldQueue } from './hold-queue.ts';

/** From the first that is to be told to the line. */
const PERIOD_MS = 1000;

/** What became of those that waited since the last line. */
type Tally = Record<'began' | HoldOutcome, number> & { longestMs: number };

export interface HoldSummaryDeps {
  readonly logger: Pick<Logger, 'info' | 'warn'>;
  readonly clock: Clock;
  /** Those that wait still. */
  waiting(backend: string): Pick<HoldQueue, 'size' | 'longestMs'>;
}

/**
 * Tells in the log of those that wait for a Pod: at most a line a second for each backend, however many they are, and none in a second in
 * which nobody began or ended to wait. It is a warning where some waited in vain, or found no room to.
 */
export class HoldSummary implements HoldObserver {
  readonly #deps: HoldSummaryDeps;
  /** By backend. */
  #tallies = new Map<string, Tally>();
  #timer: Timer | null = null;

  constructor(deps: HoldSummaryDeps) {
    this.#deps = deps;
  }

  began(backend: string): void {
    this.#tallyOf(backend).began++;
  }

  ended(backend: string, outcome: HoldOutcome, heldMs: number): void {
    const tally = this.#tallyOf(backend);
    tally[outcome]++;
    tally.longestMs = Math.max(tally.longestMs, heldMs);
  }

  /** Tells what is not told yet. */
  close(): void {
    this.#timer?.clear();
    this.#tell();
  }

  #tallyOf(backend: string): Tally {
    let tally = this.#tallies.get(backend);
    if (tally === undefined) {
      tally = { began: 0, released: 0, timeout: 0, full: 0, client_gone: 0, abandoned: 0, longestMs: 0 };
      this.#tallies.set(backend, tally);
      this.#timer ??= this.#deps.clock.after(PERIOD_MS, () => this.#tell());
    }
    return tally;
  }

  #tell(): void {
    const { logger } = this.#deps;
    const tallies = this.#tallies;
    this.#timer = null;
    this.#tallies = new Map();
    for (const [backend, tally] of tallies) {
      const { size, longestMs } = this.#deps.waiting(backend);
      const line = {
        backend,
        began: tally.began,
        released: tally.released,
        timedOut: tally.timeout,
        foundNoRoom: tally.full,
        clientsLeft: tally.client_gone,
        abandoned: tally.abandoned,
        waiting: size,
        longestMs: Math.round(Math.max(tally.longestMs, longestMs)),
      };
      if (tally.timeout + tally.full > 0) logger.warn(line, 'requests waited for a Pod in vain');
      else logger.info(line, 'requests wait for a Pod');
    }
  }
}
