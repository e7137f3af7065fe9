import type { Timer } from '../../platform/clock.ts';
import type { Held, HoldQueue } from './hold-queue.ts';

/** Where a placement stands. */
export type PlacementState =
  /** It is not begun, or a Pod is looked for right now. */
  | { readonly type: 'choosing' }
  /** It waits for a Pod. */
  | { readonly type: 'held'; readonly queue: HoldQueue; readonly held: Held }
  /** It waits before it goes to another Pod. */
  | { readonly type: 'backing_off'; readonly timer: Timer }
  /** Its owner has a Pod for it. */
  | { readonly type: 'placed' }
  /** It was refused, answered or given up. */
  | { readonly type: 'over' };

export type HeldState = Extract<PlacementState, { type: 'held' }>;

export const CHOOSING: PlacementState = { type: 'choosing' };
export const PLACED: PlacementState = { type: 'placed' };
export const OVER: PlacementState = { type: 'over' };
