import type { Operation } from '../clients/operation.ts';
import { type Delivery, type RoundRecord, shorten, type Violation } from './record.ts';

/** A row is judged from so many requests on. */
const ROW = 8;
/** Requests that began this much earlier (ms) came earlier. */
const APART_MS = 8;
/** How much of a row may be read out of order: a Pod reads what its kernel shows it first. */
const TOLERATED = 0.25;
/** A queue is released within this (ms). */
const BURST_MS = 500;

interface Sent {
  readonly operation: Operation;
  readonly atMs: number;
}

/** Held requests leave in order of arrival: for each release the pairs that came to the Pod the wrong way round. */
export function checkHoldOrder(
  { operations }: RoundRecord,
  deliveries: ReadonlyMap<string, readonly Delivery[]>,
): Violation[] {
  const bySidecar = new Map<string, Sent[]>();
  for (const operation of operations) {
    const first = deliveries.get(operation.id)?.[0];
    // Only what is sent whole at once: a body that comes slowly may come after others.
    if (operation.via !== 'http' || operation.bytes > 1000 || first === undefined) continue;
    if (first.refused || first.lag > 20) continue;
    const sent = bySidecar.get(operation.by) ?? [];
    sent.push({ operation, atMs: first.atMs });
    bySidecar.set(operation.by, sent);
  }
  const violations: Violation[] = [];
  for (const [run, sent] of bySidecar) {
    sent.sort((a, b) => a.atMs - b.atMs);
    for (let n = 0; n < sent.length; ) {
      const firstMs = sent[n]!.atMs;
      // All that waited when the first of them was sent.
      const row = sent.filter(
        ({ operation, atMs }) =>
          atMs >= firstMs &&
          atMs < firstMs + BURST_MS &&
          operation.startMs < firstMs - 50 &&
          operation.goneMs === null,
      );
      if (row.length < ROW) {
        n++;
        continue;
      }
      const share = wrongShare(row);
      if (share > TOLERATED)
        violations.push({
          check: 'hold order',
          what: `${run} released ${row.length} requests, ${Math.round(share * 100)} % of the pairs out of order`,
          atMs: firstMs,
        });
      while (n < sent.length && sent[n]!.atMs < firstMs + BURST_MS) n++;
    }
  }
  return shorten(violations);
}

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
