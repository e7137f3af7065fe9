import { type RoundRecord, shorten, type Violation } from './record.ts';

/** Promise 7 and its like: what must disturb nobody fails no request; whoever left by itself is excused. */
export function checkHarmless({ operations, harmless }: RoundRecord): Violation[] {
  if (!harmless) return [];
  return shorten(
    operations
      .filter(({ outcome, goneMs }) => outcome !== 'ok' && goneMs === null)
      .map(({ id, via, kind, detail, endMs, startMs }) => ({
        check: 'harmless',
        what: `${via} ${kind} ${id} ended as ${detail}`,
        atMs: endMs ?? startMs,
      })),
  );
}
