import { type Cause, causeInWords } from '../../model/cause.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Logger } from '../../platform/logger.ts';

/** Says where a backend has no ready Pod any more, or has found none, and where it has one again. */
export class ReadyLog {
  readonly #logger: Logger;
  readonly #clock: Clock;
  /** What was told last; null: nothing yet, for a start that goes well is no news. */
  #hasReady: boolean | null = null;

  constructor({ logger, clock }: { readonly logger: Logger; readonly clock: Clock }) {
    this.#logger = logger;
    this.#clock = clock;
  }

  /**
   * @param ready how many Pods are
   * @param causes asked only where it is told that there are none
   */
  follow(backend: string, ready: number, causes: () => readonly Cause[]): void {
    const hasReady = ready > 0;
    const before = this.#hasReady;
    this.#hasReady = hasReady;
    if (before === hasReady) return;
    if (!hasReady) {
      // Who leads is another story, which is told where it changes.
      const cause = causesInWords(
        causes().filter(({ area }) => area !== 'leader'),
        this.#clock,
      );
      this.#logger.warn({ backend, cause }, 'no Pod is ready');
    }
    if (hasReady && before === false) this.#logger.info({ backend, ready }, 'a Pod is ready again');
  }
}

/** All of them as one text for a log line. */
export function causesInWords(causes: readonly Cause[], clock: Clock): string {
  return causes.map((cause) => causeInWords(cause, clock.nowMs())).join('; ');
}
