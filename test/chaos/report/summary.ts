import { type Lateness, percentile } from '../checks/lateness.ts';
import type { Operation } from '../clients/operation.ts';
import type { RoundResult } from '../round.ts';

/** A round in a few lines: what was done, how late bytes came, what was found. */
export function summary(name: string, { record, violations, late }: RoundResult): string {
  const { operations, startMs, endMs, reigns } = record;
  const seconds = Math.round((endMs - startMs) / 1000);
  const terms = new Set(reigns.map(({ term }) => term)).size;
  const lines = [
    `${violations.length === 0 ? 'ok  ' : 'FAIL'} ${name}: ${seconds} s, ${counts(operations)}, ${terms} terms, ${lateBytes(late)}`,
  ];
  for (const { check, what, atMs } of violations)
    lines.push(`     ${check}: ${what} (at ${((atMs - startMs) / 1000).toFixed(2)} s)`);
  return lines.join('\n');
}

/** How many operations there were, by outcome. */
export function counts(operations: readonly Operation[]): string {
  const count = (outcome: string): number =>
    operations.filter((operation) => operation.outcome === outcome).length;
  const writes = operations.filter(({ kind }) => kind === 'write').length;
  return `${operations.length} operations, ${writes} of them writes (${count('ok')} ok, ${count('fail')} fail, ${count('unknown')} unknown)`;
}

/** How long after the end of a claim bytes still came. */
export function lateBytes(late: readonly Lateness[]): string {
  const finite = late.filter(({ ms }) => ms !== Number.POSITIVE_INFINITY);
  const [p50, p99, max] = [50, 99, 100].map((of) => Math.round(percentile(finite, of)));
  return `late bytes p50/p99/max ${p50}/${p99}/${max} ms`;
}
