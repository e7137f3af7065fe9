import type { BackendConfig, Config, ListenerConfig, MatchConfig, RuleConfig } from './config.ts';
import type { PodView } from './pod.ts';

/**
 * Who leads. `unconfigured`: the backend has no `leader`. `revision` grows whenever leadership changed **or** a round of
 * probes made on evidence (a refused write, a `learn` answer) has finished: a request that the leader just refused waits
 * for a larger revision before it believes in a leader again. `reign` tells apart the times that the leader began to claim:
 * the same Pod has another only after it showed another term or had stopped claiming.
 */
export interface Leadership {
  readonly state: 'known' | 'none' | 'conflict' | 'unconfigured';
  readonly leader: PodView | null;
  /** At most 20 decimal digits, or null. */
  readonly term: string | null;
  /** Names of the Pods that claim, ready or not. */
  readonly claimants: readonly string[];
  readonly revision: number;
  /** Which reign of the leader this is; 0 where nobody leads. Two Pods may have the same number. */
  readonly reign: number;
  /** Why, in words. */
  readonly reason: string;
  /** Ids of Pods that led until their claims lapsed by silence, as long as they are silent. */
  readonly silent?: readonly number[];
  /**
   * Id of the Pod that led until now, while a change is under way that was announced before it: nothing new goes to it, and its
   * connections have a moment for the answers to what they have sent.
   */
  readonly yielding?: number;
}

/** One backend at one moment. Replaced, never edited. */
export interface BackendSnapshot {
  readonly config: BackendConfig;
  /** Every known Pod, by ordinal then name; draining ones included. */
  readonly pods: readonly PodView[];
  /** A Pod is stale. */
  readonly stale?: true;
  /** Pods with state `ready`. */
  readonly ready: readonly PodView[];
  /** Ready Pods but the leader; all ready Pods while no single leader is known (SPEC 3, Leadership). */
  readonly followers: readonly PodView[];
  /** Ordinal to Pod (not draining; a ready one wins). */
  readonly byOrdinal: ReadonlyMap<number, PodView>;
  readonly leadership: Leadership;
}

/** One match of one rule under one hostname; a listener's routes are tried in order and the first that matches wins. */
export interface Route {
  readonly rule: RuleConfig;
  /** null: any host. */
  readonly hostname: string | null;
  /** null: every request. */
  readonly match: MatchConfig | null;
}

/** A listener with its routes in order of precedence (worked out once, by build-snapshot). */
export interface ListenerSnapshot {
  readonly config: ListenerConfig;
  readonly routes: readonly Route[];
}

/**
 * The one value that passes from the control plane to the data plane. It survives `structuredClone`. Parts that did not
 * change keep their identity from one snapshot to the next, so that derivatives can be cached by them.
 */
export interface RoutingSnapshot {
  readonly version: number;
  readonly config: Config;
  readonly configHash: string;
  readonly backends: ReadonlyMap<string, BackendSnapshot>;
  readonly listeners: readonly ListenerSnapshot[];
}
