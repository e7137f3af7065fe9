import type { ProbeReport } from '../report.ts';
import type { RosterPod } from '../roster.ts';

/** What a source believes: this Pod claims. */
export interface Claim {
  readonly podId: number;
  readonly term: string | null;
}

/** Watches who claims to lead one backend. It does not judge: leadership/arbitrate.ts does. */
export interface ClaimSource {
  join(pod: RosterPod): void;
  leave(podId: number): void;
  claims(): readonly Claim[];
  /** Asks every Pod again now, those in `first` before the others; `finished` is called when all have ended. */
  round(first: ReadonlySet<number>, finished: () => void): void;
  /** The last probe of a Pod, where the source probes. */
  lastProbe(podId: number): ProbeReport | null;
  close(): void;
}

export interface ClaimEvents {
  /** The claims may have changed. */
  onClaims(): void;
  /** A Pod that did not claim before does now, believed yet or not. */
  onNewClaim(podId: number): void;
}
