import type { Operation } from '../clients/operation.ts';
import { type Delivery, type RoundRecord, shorten, type Violation } from './record.ts';

/** A row is judged from so many requests on. */
const ROW = 8;
/** Requests that began this much earlier (ms) came earlier. */
const APART_MS = 8;
/** Near the ends of a hold it is not sure on which side a request came (ms). */
const EDGE_MS = 30;
/** How much of a row may be read out of order: a Pod reads what its kernel shows it first. */
const TOLERATED = 0.25;

interface Sent {
  readonly operation: Operation;
  readonly atMs: number;
}

/**
 * Held requests leave in order of arrival: for each time in which a sidecar knew of no leader, the pairs of requests that began
 * in it and came to the next leader the wrong way round.
 */
export function checkHoldOrder(
  { operations, leaderless }: RoundRecord,
  deliveries: ReadonlyMap<string, readonly Delivery[]>,
): Violation[] {
  const violations: Violation[] = [];
  for (const { run, fromMs, toMs } of leaderless) {
    const row = operations.flatMap((operation): Sent[] => {
      const { by, via, bytes, startMs, goneMs, id } = operation;
      // Only what is sent whole at once: a body that comes slowly may come after others.
      if (by !== run || via !== 'http' || bytes > 1000 || goneMs !== null) return [];
      if (startMs < fromMs + EDGE_MS || startMs > toMs - EDGE_MS) return [];
      const first = deliveries.get(id)?.[0];
      return first === undefined || first.atMs < toMs - EDGE_MS ? [] : [{ operation, atMs: first.atMs }];
    });
    if (row.length < ROW) continue;
    const share = wrongShare(row.sort((a, b) => a.atMs - b.atMs));
    if (share > TOLERATED)
      violations.push({
        check: 'hold order',
        what: `${run} released ${row.length} requests, ${Math.round(share * 100)} % of the pairs out of order`,
        atMs: toMs,
      });
  }
  return shorten(violations);
}

/** @param row in the order in which they came to the Pod */
function wrongShare(row: readonly Sent[]): number {
  let pairs = 0;
  let wrong = 0;
  for (const [n, a] of row.entries())
    for (const b of row.slice(n + 1)) {
      const apartMs = b.operation.startMs - a.operation.startMs;
      if (Math.abs(apartMs) < APART_MS) continue;
      pairs++;
      if (apartMs < 0) wrong++;
    }
  return pairs === 0 ? 0 : wrong / pairs;
}
