import { percentile } from '../checks/lateness.ts';
import type { RoundResult } from '../round.ts';

/** A round in a few lines. */
export function summary(name: string, { record, violations, late }: RoundResult): string {
  const { operations, startMs, endMs } = record;
  const count = (outcome: string): number =>
    operations.filter((operation) => operation.outcome === outcome).length;
  const finite = late.filter(({ ms }) => ms !== Number.POSITIVE_INFINITY);
  const lines = [
    `${violations.length === 0 ? 'ok  ' : 'FAIL'} ${name}: ${Math.round((endMs - startMs) / 1000)} s, ` +
      `${operations.length} operations (${count('ok')} ok, ${count('fail')} fail, ${count('unknown')} unknown), ` +
      `${new Set(record.reigns.map(({ term }) => term)).size} terms, ` +
      `late bytes p50/p99/max ${[50, 99, 100].map((of) => Math.round(percentile(finite, of))).join('/')} ms`,
  ];
  for (const { check, what, atMs } of violations)
    lines.push(`     ${check}: ${what} (at ${((atMs - startMs) / 1000).toFixed(2)} s)`);
  return lines.join('\n');
}
