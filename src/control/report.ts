import type { ShownCause } from '../model/cause.ts';
import type { TlsReport } from '../model/tls-report.ts';
import type { DiscoveryReport } from './discovery/contract.ts';

/** One probe's last result, as `/state` shows it. Times are wall-clock milliseconds. */
export interface ProbeReport {
  readonly atMs: number;
  readonly ok: boolean;
  /** With what the Pod said, where it failed. */
  readonly reason: string;
  readonly durationMs: number;
}

export interface PodReport {
  /** As `PodView.id`. */
  readonly id: number;
  readonly name: string;
  readonly addresses: readonly string[];
  readonly port: number;
  readonly ordinal: number | null;
  readonly state: string;
  readonly reason: string;
  /** Why it is not ready, with its age; null: it is. */
  readonly cause: ShownCause | null;
  readonly health: ProbeReport | null;
  readonly leaderProbe: ProbeReport | null;
  readonly claimsLeadership: boolean;
  readonly term: string | null;
  /** Of its claim: the id of its data's history and that of the one it followed; `previous` null: it was never promoted. */
  readonly lineage: { readonly id: string; readonly previous: string | null } | null;
}

export interface BackendReport {
  readonly tls: readonly TlsReport[];
  readonly name: string;
  readonly service: string;
  /** What is wrong with it, the likeliest first, as `/explain` tells it; empty: nothing is known to be. */
  readonly causes: readonly ShownCause[];
  readonly leadership: {
    readonly state: string;
    readonly leader: string | null;
    readonly term: string | null;
    readonly claimants: readonly string[];
    readonly reason: string;
    /** A claim with a lower one is not believed. `shownBy`: the Pod that showed it first; `sinceMs`: when, wall clock. */
    readonly highestTerm: {
      readonly term: string;
      readonly shownBy: string;
      readonly sinceMs: number;
    } | null;
    /** What Sentinels say, in words; null: none is listened to. */
    readonly sentinels: string | null;
  };
  readonly discovery: DiscoveryReport;
  readonly pods: readonly PodReport[];
}
