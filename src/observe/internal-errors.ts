import { type Clock, systemClock } from '../platform/clock.ts';
import { ENTRIES, type Entry, type InternalErrorListener } from '../platform/guard.ts';
import type { Logger } from '../platform/logger.ts';
import type { Metrics } from './metrics.ts';

/** Lines of one entry are no closer than this: a mistake that every request meets must not drown the log. */
const GAP_MS = 1000;

/** Counts each mistake of this program that a guard met, and logs it with what was not logged since. */
export function internalErrors(
  metrics: Metrics,
  logger: Logger,
  clock: Pick<Clock, 'nowMs'> = systemClock,
): InternalErrorListener {
  for (const where of ENTRIES) metrics.internalErrors.with(where);
  const logged = new Map<Entry, { atMs: number; unlogged: number }>();
  return (where, error, context) => {
    metrics.internalErrors.with(where).value++;
    const last = logged.get(where) ?? { atMs: Number.NEGATIVE_INFINITY, unlogged: 0 };
    const nowMs = clock.nowMs();
    if (nowMs - last.atMs < GAP_MS) {
      last.unlogged++;
      return;
    }
    const more = last.unlogged === 0 ? {} : { unlogged: last.unlogged };
    logged.set(where, { atMs: nowMs, unlogged: 0 });
    logger.error({ err: error, where, ...context, ...more }, 'internal error: please report it');
  };
}
