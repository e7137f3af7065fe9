import type { ShownCause } from './cause.ts';
import type { Failure } from './failure.ts';

/** What would happen to a request now, and why. Plain JSON: `GET /explain` and `headroute explain --json` show it as it is. */
export interface Explanation {
  /** Version of the snapshot that it was worked out from. */
  readonly snapshot: number;
  /** The request as routing sees it: the raw path and query, the host in lower case without port. */
  readonly request: {
    readonly method: string;
    readonly path: string;
    readonly query: string;
    readonly host: string;
  };
  readonly listener: string | null;
  /** In order of precedence, up to the one that matched; a rule with several matches may show up more than once. */
  readonly rulesTried: readonly { readonly rule: string; readonly matched: boolean; readonly why: string }[];
  /** Rules that match too, but less specifically, in order of precedence: they would take it if the rule taken were not there. */
  readonly alsoMatch: readonly { readonly rule: string; readonly why: string }[];
  /**
   * The rule of type Leader that would take this write, were there no more specific rule that sends it elsewhere; null: it leaves
   * none, or is no write.
   */
  readonly leavesLeaderRule: string | null;
  readonly rule: string | null;
  readonly selection: 'Leader' | 'Ordinal' | 'FanOut' | 'Balance' | null;
  /** The backend that it would go to; by chance where several have a weight. */
  readonly backend: string | null;
  readonly outcome: ExplainedOutcome;
  /** Every backend of the rule. */
  readonly backends: readonly ExplainedBackend[];
}

export type ExplainedOutcome =
  /** `certain: false`: one of the candidates, by `algorithm` and chance. RoundRobin's is the one that the next request gets. */
  | {
      readonly type: 'pod';
      readonly pod: string;
      readonly address: string;
      readonly certain: boolean;
      readonly detail: string;
    }
  /** Fan-out: all of them. */
  | { readonly type: 'pods'; readonly pods: readonly string[]; readonly detail: string }
  /**
   * Waits for a Pod because of `failure`, at most `timeoutMs`; `end` is what its client gets: the shorter of the rule's hold and
   * its `timeouts.request` decides. `status` null: a TCP connection, which is closed.
   */
  | {
      readonly type: 'held';
      readonly failure: Failure;
      readonly timeoutMs: number;
      readonly end: 'hold_timeout' | 'request_timeout';
      readonly status: number | null;
      readonly detail: string;
    }
  /** Answered by headroute itself. */
  | { readonly type: 'fail'; readonly failure: Failure; readonly status: number; readonly detail: string }
  /** Answered by headroute itself, and no failure. */
  | { readonly type: 'answered'; readonly status: number; readonly detail: string }
  /** A TCP connection that headroute closes without a word; metrics and the log name the failure. */
  | { readonly type: 'closed'; readonly failure: Failure; readonly detail: string }
  /** No connection comes about: nobody listens there. */
  | { readonly type: 'unreachable'; readonly detail: string };

export interface ExplainedBackend {
  readonly name: string;
  readonly weight: number;
  /** Its part of the rule's requests, 0 to 1. */
  readonly share: number;
  /** null where the backend has no leader source, or the configuration no such backend yet. */
  readonly leadership: {
    readonly state: 'known' | 'none' | 'conflict';
    readonly leader: string | null;
    readonly term: string | null;
    readonly claimants: readonly string[];
    readonly reason: string;
  } | null;
  /** Pods that can be picked now. */
  readonly candidates: readonly string[];
  readonly excluded: readonly { readonly pod: string; readonly reason: string }[];
  /** What is wrong with the backend, the likeliest first; empty: nothing is known to be. */
  readonly causes: readonly ShownCause[];
  readonly outcome: ExplainedOutcome;
}
