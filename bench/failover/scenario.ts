import type { Observed } from './observer.ts';
import type { Goal } from './report/goals.ts';
import type { WriteClient } from './writes.ts';

/** `haproxy-cut` ends what is under way at a node as soon as a check fails. */
export type ProxyName = 'headroute' | 'haproxy' | 'haproxy-cut';

/** Servers with both proxies before them. */
export interface Stage {
  /** host:port of each proxy. */
  readonly proxies: ReadonlyMap<ProxyName, string>;
  readonly nodes: readonly Observed[];
  connect(address: string): WriteClient;
  /** Waits until all nodes are well and exactly one leads. @returns its name */
  settled(): Promise<string>;
  /** What is due just before. */
  prepare?(leader: string): Promise<void>;
  /** Does to the leader what the scenario is about; may take as long as that takes. */
  strike(leader: string): Promise<void>;
  /** Brings back what was struck. */
  restore(leader: string): Promise<void>;
  /** How often each id of the prefix is there now, read past the proxies. */
  readBack(prefix: string): Promise<ReadonlyMap<string, number>>;
}

export interface Scenario {
  readonly name: string;
  /** What happens, for the table. */
  readonly title: string;
  /** What headroute is to reach with its default timers. */
  readonly goals: readonly Goal[];
  /** The struck leader goes on taking writes: what the proxy added after its successor says nothing then. */
  readonly oldGoesOn?: true;
  /** Rounds of each proxy, where nobody says otherwise. */
  readonly rounds: number;
  /** Least time from the strike until what was struck comes back. */
  readonly restoreAfterMs: number;
  /** How long clients go on writing after that: second outages show here. */
  readonly watchMs: number;
  readonly workers: number;
  readonly pauseMs: number;
  /** What is started is handed to `kept`. */
  start(): Promise<Stage>;
}

/** The writer of all scenarios but those that want more of it. */
export const FOUR_WORKERS = { workers: 4, pauseMs: 50 } as const;
