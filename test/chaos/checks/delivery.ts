import { type Delivery, type RoundRecord, shorten, type Violation } from './record.ts';

/**
 * Promise 1, and what `fail` means: the bytes of a write reach one Pod, once, not counting those who said that they do not
 * lead; of a write that failed for sure they reach none.
 */
export function checkDelivery(
  { operations }: RoundRecord,
  deliveries: ReadonlyMap<string, readonly Delivery[]>,
): Violation[] {
  const violations: Violation[] = [];
  for (const { id, kind, outcome, detail, via } of operations) {
    if (kind === 'read') continue;
    const taken = (deliveries.get(id) ?? []).filter(({ refused }) => !refused);
    const places = taken.map(({ pod, where }) => `${pod} (${where})`).join(', ');
    const atMs = taken.at(-1)?.atMs ?? 0;
    if (taken.length > 1)
      violations.push({ check: 'delivery', what: `${via} write ${id} came to ${places}`, atMs });
    if (outcome === 'fail' && taken.length > 0)
      violations.push({
        check: 'delivery',
        what: `${via} write ${id} ended as ${detail} and came to ${places}`,
        atMs,
      });
  }
  return shorten(violations);
}
