import type { Cause } from '../model/cause.ts';

/**
 * Why a backend does not serve everything. Beside the snapshot and not in it: what Pods answer changes with each probe, and whoever
 * routes by a snapshot would have to begin anew for it. Worked out when somebody asks.
 */
export interface Causes {
  /** What is wrong with a backend now, the likeliest first, at most a few; empty: nothing is known to be wrong. */
  of(backend: string): readonly Cause[];
  /** Why a Pod is not ready; null: it is, or is not known. */
  ofPod(backend: string, podId: number): Cause | null;
}

export const NO_CAUSES: Causes = { of: () => [], ofPod: () => null };
