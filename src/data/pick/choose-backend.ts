import type { RuleConfig } from '../../model/config.ts';

/**
 * One of a rule's backends, in proportion to their weights (Gateway API, BackendRef.weight). A weight of 0 gets nothing,
 * not even where it is the only one: then null. A backend without ready Pods keeps its share.
 */
export function chooseBackend(refs: RuleConfig['backendRefs'], random: () => number): string | null {
  if (refs.length === 1) return refs[0]!.weight > 0 ? refs[0]!.name : null;
  let total = 0;
  for (const ref of refs) total += ref.weight;
  if (total <= 0) return null;
  let left = random() * total;
  let last: string | null = null;
  for (const { name, weight } of refs) {
    if (weight <= 0) continue;
    if (left < weight) return name;
    left -= weight;
    last = name;
  }
  return last;
}
