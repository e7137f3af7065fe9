import type { StateFailure } from '../model/state.ts';
import type { CellFamily } from '../observe/primitives.ts';
import { HISTORY_MS } from './history.ts';

const SAMPLE_MS = 15_000;
const MAX_RULES = 5;

/** headroute's own failures by reason: those of the start on, and about how many came in the last ten minutes. */
export class Failures {
  readonly #family: Pick<CellFamily, 'cells'>;
  readonly #samples: { readonly atMs: number; readonly totals: ReadonlyMap<string, number> }[] = [];

  /** @param family labels `rule`, `failure` */
  constructor(family: Pick<CellFamily, 'cells'>) {
    this.#family = family;
  }

  /** Now and then; remembers the totals a few times a minute. @param nowMs monotonic milliseconds */
  tick(nowMs: number): void {
    if (nowMs - (this.#samples.at(-1)?.atMs ?? Number.NEGATIVE_INFINITY) < SAMPLE_MS) return;
    const totals = new Map<string, number>();
    for (const { labels, value } of this.#family.cells())
      if (value > 0) totals.set(labels[1]!, (totals.get(labels[1]!) ?? 0) + value);
    this.#samples.push({ atMs: nowMs, totals });
    while (nowMs - this.#samples[0]!.atMs > HISTORY_MS) this.#samples.shift();
  }

  report(): StateFailure[] {
    const byFailure = new Map<string, { rule: string; total: number }[]>();
    for (const { labels, value } of this.#family.cells()) {
      const [rule = '', failure = ''] = labels;
      if (value === 0) continue;
      const rules = byFailure.get(failure);
      if (rules === undefined) byFailure.set(failure, [{ rule, total: value }]);
      else rules.push({ rule, total: value });
    }
    const before = this.#samples[0]?.totals;
    return [...byFailure]
      .map(([failure, rules]) => {
        const total = rules.reduce((sum, rule) => sum + rule.total, 0);
        return {
          failure,
          total,
          // A rule that was removed has taken its count along.
          lastTenMinutes: Math.max(0, total - (before?.get(failure) ?? 0)),
          rules: rules.sort((a, b) => b.total - a.total).slice(0, MAX_RULES),
        };
      })
      .sort((a, b) => b.lastTenMinutes - a.lastTenMinutes || b.total - a.total);
  }
}
