import type { Clock } from '../../platform/clock.ts';
import type { Logger } from '../../platform/logger.ts';

/** A Pod's probes fail in another way than before. */
export interface KindChange {
  readonly pod: string;
  readonly probe: 'health' | 'leader';
  /** As `Cause.kind`, or `success`; null: none was seen before. */
  readonly before: string | null;
  readonly kind: string;
  readonly reason: string;
}

const GAP_MS = 1000;
/** Pods that a summary names at most. */
const MAX_NAMES = 3;

/**
 * Logs how the probes of one backend fail, where that changes: a line a second at most, however many Pods flap. What comes in between is
 * told with the next tick, of several Pods as one line.
 */
export class KindLog {
  readonly #backend: () => string;
  readonly #logger: Logger;
  readonly #clock: Clock;
  /** By probe and Pod. */
  #waiting = new Map<string, KindChange>();
  #toldMs = Number.NEGATIVE_INFINITY;

  /** @param backend its name now */
  constructor(backend: () => string, { logger, clock }: { readonly logger: Logger; readonly clock: Clock }) {
    this.#backend = backend;
    this.#logger = logger;
    this.#clock = clock;
  }

  changed(change: KindChange): void {
    const key = `${change.probe} ${change.pod}`;
    const earlier = this.#waiting.get(key);
    this.#waiting.set(key, earlier === undefined ? change : { ...change, before: earlier.before });
    this.tick();
  }

  /** Tells what waits, once a second. */
  tick(): void {
    const nowMs = this.#clock.nowMs();
    if (this.#waiting.size === 0 || nowMs < this.#toldMs + GAP_MS) return;
    const changes = [...this.#waiting.values()].filter(({ before, kind }) => before !== kind);
    this.#waiting = new Map();
    if (changes.length === 0) return;
    this.#toldMs = nowMs;
    const backend = this.#backend();
    const isFirst = changes.every(({ before }) => before === null || before === 'success');
    const fail = isFirst ? 'fail' : 'fail in another way';
    if (changes.length === 1) this.#logger.info({ backend, ...changes[0] }, `probes of a Pod ${fail}`);
    else this.#logger.info({ backend, ...summaryOf(changes) }, `probes of several Pods ${fail}`);
  }
}

function summaryOf(changes: readonly KindChange[]): object {
  const kinds: Record<string, number> = {};
  for (const { probe, kind } of changes) {
    const name = `${probe} ${kind}`;
    kinds[name] = (kinds[name] ?? 0) + 1;
  }
  const pods = [...new Set(changes.map(({ pod }) => pod))];
  return { pods: pods.length, first: pods.slice(0, MAX_NAMES), kinds, reason: changes.at(-1)!.reason };
}
