import type { Cell } from './primitives.ts';
import type { FamilyLike } from './render.ts';

/** A gauge that is worked out at each scrape, so that nothing of it has to be removed. */
export function gauge(
  name: string,
  help: string,
  labelNames: readonly string[],
  cells: () => Iterable<Cell>,
): FamilyLike {
  return { name, type: 'gauge', help, labelNames, cells };
}
