import type { Clock } from '../../../platform/clock.ts';
import { pacer } from './pacer.ts';

/** Follow-up queries under way at a time: sockets and CoreDNS's patience are finite. */
const CONCURRENCY = 32;

/**
 * Runs `run` over the items, a bounded number at a time. Items not begun within `budgetMs` are skipped, so that a
 * server that answers nothing costs one budget and not one for each Pod.
 */
export async function eachBounded<T>(
  items: readonly T[],
  clock: Clock,
  budgetMs: number,
  run: (item: T) => Promise<void>,
  skip: (item: T) => void,
): Promise<void> {
  const startedAtMs = clock.nowMs();
  const pace = pacer();
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const item = items[next++]!;
      if (clock.nowMs() - startedAtMs < budgetMs) await run(item);
      else skip(item);
      await pace();
    }
  };
  await Promise.all(Array.from({ length: Math.min(CONCURRENCY, items.length) }, worker));
}
