/** What the data plane tells the control plane. */
export type Outcome =
  | PodOutcome
  /** A request begins to wait for a Pod of this backend. */
  | { readonly kind: 'held'; readonly backend: string };

/** What it tells about a Pod, by its id: a backend's name may change while requests are under way. */
export type PodOutcome =
  /** The Pod refused the connection or did not accept it in time: counts as a failed probe, triggers another at once. */
  | {
      readonly kind: 'connect_failed';
      readonly podId: number;
      readonly reason: string;
    }
  /** Reset before the answer was whole, or not HTTP. Evidence for ejection; from the leader, evidence of its loss. */
  | { readonly kind: 'failed'; readonly podId: number; readonly reason: string }
  /** A whole answer after an earlier failure (ends a row of consecutive failures). Never raises health. */
  | { readonly kind: 'ok'; readonly podId: number }
  /** A `learn` answer. `hint` is the Location, if any: only ever which member to probe first. */
  | {
      readonly kind: 'not_leader';
      readonly podId: number;
      readonly hint: string | null;
    }
  /** The leader closed a connection. */
  | { readonly kind: 'leader_closed'; readonly podId: number }
  /** Nothing is in flight on a draining Pod any more. */
  | { readonly kind: 'drained'; readonly podId: number };
