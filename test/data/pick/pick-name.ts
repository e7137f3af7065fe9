import type { PickContext } from '../../../src/data/pick/contract.ts';
import { pickerFor } from '../../../src/data/pick/registry.ts';
import type { Selection } from '../../../src/model/config.ts';
import type { BackendSnapshot } from '../../../src/model/snapshot.ts';
import { context } from '../fixtures.ts';

/** The names of the Pods that a selection picks, joined by commas; else `wait` or `fail` and why. */
export function pickName(
  selection: Selection,
  backend: BackendSnapshot,
  part: Partial<PickContext> = {},
): string {
  const pick = pickerFor(selection).pick(backend, context(part));
  return pick.type === 'pod'
    ? pick.pod.name
    : pick.type === 'pods'
      ? pick.pods.map((p) => p.name).join()
      : `${pick.type} ${pick.failure}`;
}
