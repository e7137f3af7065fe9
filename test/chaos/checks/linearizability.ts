import type { Operation } from '../clients/operation.ts';
import { type RoundRecord, shorten, type Violation } from './record.ts';
import { isLinearizable, type RegisterOperation } from './register.ts';

/** Each key is a register of its own. A `fail` has not happened; an unknown write may happen at any time, or never. */
export function checkLinearizability({ operations }: RoundRecord): Violation[] {
  const byKey = new Map<string, Operation[]>();
  for (const operation of operations) {
    const others = byKey.get(operation.key);
    if (others === undefined) byKey.set(operation.key, [operation]);
    else others.push(operation);
  }
  const violations: Violation[] = [];
  for (const [key, all] of byKey) {
    const history = historyOf(all);
    if (!isLinearizable(history))
      violations.push({
        check: 'linearizability',
        what: `the ${history.length} operations on ${key} have no order that explains what their clients saw`,
        atMs: all[0]!.startMs,
      });
  }
  return shorten(violations);
}

function historyOf(operations: readonly Operation[]): RegisterOperation<string>[] {
  const read = new Set(
    operations.flatMap(({ kind, outcome, value }) => (kind === 'read' && outcome === 'ok' ? [value] : [])),
  );
  return operations.flatMap(({ id, kind, outcome, value, startMs, endMs }) => {
    if (outcome === 'fail' || (outcome === 'unknown' && kind === 'read')) return [];
    // A write that nobody read and nobody acknowledged can always be the last.
    if (outcome === 'unknown' && !read.has(id)) return [];
    const returnMs = outcome === 'unknown' ? Number.POSITIVE_INFINITY : endMs!;
    return [{ kind, value: kind === 'write' ? id : value, callMs: startMs, returnMs }];
  });
}
