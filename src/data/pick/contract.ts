import type { Failure } from '../../model/failure.ts';
import type { PodView } from '../../model/pod.ts';
import type { BackendSnapshot } from '../../model/snapshot.ts';
import type { RequestView } from '../request-view.ts';

/** What a selection may know beside the snapshot: passed in, so that picking stays pure and `explain` moves nothing. */
export interface PickContext {
  readonly request: RequestView;
  readonly selfPodName: string;
  /** Uniform in [0, 1). */
  random(): number;
  /** Requests in flight to a Pod from this sidecar. */
  inFlight(podId: number): number;
  /** The next number of this rule's round-robin sequence. */
  nextTurn(): number;
  /** Whether an earlier attempt of this request already went to that Pod: never the same twice while another is ready. */
  tried(podId: number): boolean;
  /**
   * A leader is believed only if `leadership.revision` is at least this: 0, or one more than the revision under which
   * the leader refused this very request.
   */
  readonly minLeaderRevision: number;
  /** Why this leader must not have this very request (again) in this reign (`Leadership.reign`), in words; null: it may. */
  barred(leader: PodView, reign: number): string | null;
}

/** No Pod now; one may come. The exchange holds the request and picks again on every new snapshot of the backend. */
export interface Wait {
  readonly type: 'wait';
  /** What the answer is where the hold may not wait (`hold.timeout: 0s`). */
  readonly failure: Failure;
  readonly detail: string;
  /** The Pod that it is for, where it is for one. */
  readonly podId?: number;
}

export type Pick =
  | { readonly type: 'pod'; readonly pod: PodView }
  | { readonly type: 'pods'; readonly pods: readonly PodView[] }
  | Wait
  | { readonly type: 'fail'; readonly failure: Failure; readonly detail: string; readonly podId?: number };

/**
 * A selection. `pick` is pure given its context: it does no I/O, keeps nothing, never returns a Pod that is not ready.
 * Not guaranteed: that two picks under one snapshot agree, or that the Pod still lives.
 */
export interface Picker {
  pick(backend: BackendSnapshot, context: PickContext): Pick;
  /** Why this Pod cannot be picked now, or null if it is a candidate. Used by `explain`. */
  exclusion(pod: PodView, backend: BackendSnapshot, context: PickContext): string | null;
}
