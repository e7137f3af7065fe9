import { type RoundRecord, shorten, type Violation } from './record.ts';

/** What was sent before may be read after: two processes of a busy machine (ms). */
const SLACK_MS = 100;

/** Promise 5: once a sidecar has sent to a leader of one term, or named it, it sends to no leader of a lower one. */
export function checkTerms({ lives, observations }: RoundRecord): Violation[] {
  const violations: Violation[] = [];
  const heads = lives.flatMap(({ pod, events }) =>
    events.flatMap((event) =>
      event.e === 'head' && event.on && event.term !== null ? [{ ...event, pod }] : [],
    ),
  );
  heads.sort((a, b) => a.t - b.t);
  const seen = new Map<string, { term: number; t: number }>();
  for (const { id, by, term, pod, t, lag } of heads) {
    const highest = seen.get(by);
    if (highest !== undefined && term! < highest.term && t - lag - SLACK_MS > highest.t)
      violations.push({
        check: 'terms',
        what: `${by} sent ${id} to ${pod} of term ${term} after one of term ${highest.term}`,
        atMs: t,
      });
    if (highest === undefined || term! > highest.term) seen.set(by, { term: term!, t });
  }
  const named = new Map<string, number>();
  for (const { run, term, leader, t } of observations) {
    if (term === null) continue;
    const highest = named.get(run) ?? -1;
    if (Number(term) < highest)
      violations.push({
        check: 'terms',
        what: `${run} names ${leader} of term ${term} after ${highest}`,
        atMs: t,
      });
    named.set(run, Math.max(highest, Number(term)));
  }
  return shorten(violations);
}
