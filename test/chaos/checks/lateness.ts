import type { ClaimSpan } from './claims.ts';
import { type RoundRecord, shorten, type Violation } from './record.ts';

/** For two processes of a busy machine to come to their turn (ms). */
const SLACK_MS = 150;

/** How long after the end of a claim bytes came to a Pod (ms), for each read that found any; infinite: it never claimed. */
export interface Lateness {
  readonly ms: number;
  readonly atMs: number;
  readonly what: string;
}

/** Promise 4 as a distribution: all bytes that came to a Pod which did not claim to lead when it read them. */
export function latenesses({ lives }: RoundRecord, spans: readonly ClaimSpan[]): Lateness[] {
  const found: Lateness[] = [];
  for (const { pod, host, events } of lives) {
    // Whoever is at that address: a sidecar cannot know before D that it is another.
    const ends = spans.filter((span) => span.host === host);
    for (const event of events) {
      if (event.e !== 'bytes' || event.on) continue;
      let lastMs = Number.NEGATIVE_INFINITY;
      for (const { fromMs, toMs } of ends)
        if (fromMs <= event.t) lastMs = Math.max(lastMs, Math.min(toMs, event.t));
      const ms = Math.max(0, event.t - lastMs - event.lag);
      found.push({ ms, atMs: event.t, what: `${event.n} bytes (${event.id || 'unnamed'}) came to ${pod}` });
    }
  }
  return found;
}

export function checkLateness({ boundMs }: RoundRecord, found: readonly Lateness[]): Violation[] {
  return shorten(
    found
      .filter(({ ms }) => ms > boundMs + SLACK_MS)
      .map(({ ms, atMs, what }) => ({
        check: 'D',
        what:
          ms === Number.POSITIVE_INFINITY
            ? `${what}, which had never claimed there`
            : `${what} ${Math.round(ms)} ms after its claim (D ${boundMs})`,
        atMs,
      })),
  );
}

/** A percentile (0–100) of finite latenesses; 0 where there is none. */
export function percentile(found: readonly Lateness[], of: number): number {
  const sorted = found.map(({ ms }) => ms).sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * of) / 100))] ?? 0;
}
