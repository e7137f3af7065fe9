import type { Clock } from '../../../platform/clock.ts';
import type { Logger } from '../../../platform/logger.ts';
import type { LookupTrouble } from '../contract.ts';
import type { Turn } from './refresh-loop.ts';

/** Two kinds that take turns (of two name servers, say) are no news. */
const MIN_GAP_MS = 1000;

/**
 * What is wrong with the look-ups of one question, and since when. Logs where it begins, where it becomes another kind of failure
 * (at most once a second), and where it ends.
 */
export class LookupTroubles {
  readonly #fields: { readonly backend: string; readonly question: string };
  readonly #logger: Logger;
  readonly #clock: Clock;
  #now: LookupTrouble | null;
  /** The kind that was logged last; null: that there is none. */
  #told: string | null = null;
  #toldMs = Number.NEGATIVE_INFINITY;

  constructor(
    fields: { readonly backend: string; readonly question: string },
    { logger, clock }: { readonly logger: Logger; readonly clock: Clock },
  ) {
    this.#fields = fields;
    this.#logger = logger;
    this.#clock = clock;
    const text = `the first look-up (${fields.question}) has not ended`;
    this.#now = { kind: 'pending', text, sinceMs: clock.nowMs() };
  }

  get current(): LookupTrouble | null {
    return this.#now;
  }

  /** A round of questions has ended. */
  take({ error, kind }: Turn): void {
    const nowMs = this.#clock.nowMs();
    if (error === null) this.#now = null;
    else {
      const same = this.#now?.kind === kind;
      this.#now = { kind: kind ?? 'error', text: error, sinceMs: same ? this.#now!.sinceMs : nowMs };
    }
    this.#tell(nowMs);
  }

  #tell(nowMs: number): void {
    const kind = this.#now?.kind ?? null;
    const before = this.#told;
    if (kind === before) return;
    const isOther = kind !== null && before !== null;
    if (isOther && nowMs < this.#toldMs + MIN_GAP_MS) return;
    this.#told = kind;
    this.#toldMs = nowMs;
    if (this.#now === null) this.#logger.info(this.#fields, 'DNS look-ups succeed again');
    else {
      const fields = { ...this.#fields, kind, error: this.#now.text };
      this.#logger.warn(
        isOther ? { ...fields, before } : fields,
        isOther ? 'DNS look-ups fail in another way' : 'DNS look-up failed',
      );
    }
  }
}
