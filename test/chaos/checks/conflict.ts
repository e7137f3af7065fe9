import { visibleClaimSpans } from './claims.ts';
import { type RoundRecord, shorten, type Violation } from './record.ts';

const SLACK_MS = 150;

/** Promise 3 for two: while two Pods show the same claim, and the sidecars have had D to see it, no request's head goes anywhere. */
export function checkConflict({ lives, onConflict, lineage, boundMs }: RoundRecord): Violation[] {
  const spans = visibleClaimSpans(lives);
  const both: { fromMs: number; toMs: number; who: string }[] = [];
  for (const [n, a] of spans.entries())
    for (const b of spans.slice(n + 1)) {
      // Where lineage or the order of terms says who comes later, that one may lead.
      const isDecided = (onConflict === 'HighestTerm' || lineage) && a.term !== b.term;
      if (a.pod === b.pod || isDecided) continue;
      const fromMs = Math.max(a.fromMs, b.fromMs) + boundMs + SLACK_MS;
      const toMs = Math.min(a.toMs, b.toMs);
      if (fromMs < toMs) both.push({ fromMs, toMs, who: `${a.pod} and ${b.pod}` });
    }
  const violations: Violation[] = [];
  for (const { pod, events } of lives)
    for (const event of events) {
      if (event.e !== 'head') continue;
      const during = both.find(({ fromMs, toMs }) => event.t - event.lag > fromMs && event.t < toMs);
      if (during !== undefined)
        violations.push({
          check: 'conflict',
          what: `${event.id} went to ${pod} while ${during.who} claimed`,
          atMs: event.t,
        });
    }
  return shorten(violations);
}
