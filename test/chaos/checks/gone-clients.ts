import { type Delivery, type RoundRecord, shorten, type Violation } from './record.ts';

/** For the end of a connection to be seen, also by a sidecar that a busy machine has just kept waiting (ms). */
const SLACK_MS = 600;

/** A client that left before its request was sent: it is never sent. */
export function checkGoneClients(
  { operations }: RoundRecord,
  deliveries: ReadonlyMap<string, readonly Delivery[]>,
): Violation[] {
  const violations: Violation[] = [];
  for (const { id, goneMs, bytes, via } of operations) {
    if (goneMs === null) continue;
    const first = deliveries.get(id)?.[0];
    if (first === undefined || first.atMs - first.lag <= goneMs + SLACK_MS) continue;
    const afterMs = Math.round(first.atMs - goneMs);
    violations.push({
      check: 'gone clients',
      what: `${via} request ${id} (${bytes} bytes) came to ${first.pod} ${afterMs} ms after its client had left`,
      atMs: first.atMs,
    });
  }
  return shorten(violations);
}
