import type { Random } from '../../../platform/random.ts';

export interface RefreshBounds {
  readonly refreshMinMs: number;
  readonly refreshMaxMs: number;
}

/** Share of a delay by which it is varied, so that many sidecars do not ask at once. */
const JITTER = 0.1;

/**
 * When to ask again after an answer that is good for `ttlMs` (0: the minimum; null: no hint, likewise), jittered by up
 * to 10 % and within the bounds afterwards too: never a busy loop (D21), never later than the maximum (N7).
 */
export function refreshDelayMs(ttlMs: number | null, bounds: RefreshBounds, random: Random): number {
  const { refreshMinMs: min, refreshMaxMs: max } = bounds;
  const base = Math.min(Math.max(ttlMs ?? min, min), max);
  const low = Math.max(min, base * (1 - JITTER));
  const high = Math.min(max, low + base * JITTER);
  return low + (high - low) * random();
}

/** When to ask again after the `failures`th failed round in a row: doubling from the minimum (D05). */
export function backOffDelayMs(failures: number, bounds: RefreshBounds, random: Random): number {
  return refreshDelayMs(bounds.refreshMinMs * 2 ** Math.min(failures - 1, 20), bounds, random);
}
