import type { LookupTrouble } from '../discovery/contract.ts';
import type { Lineage } from '../probe/lineage.ts';
import type { ProbeRun } from '../probe/probe-run.ts';
import type { ProbeReport } from '../report.ts';
import type { RosterPod } from '../roster.ts';
import type { Counsel } from './counsel.ts';

/** What a source believes: this Pod claims. */
export interface Claim {
  readonly podId: number;
  readonly term: string | null;
  readonly lineage: Lineage | null;
  /** When the claim ends unless it is shown again (monotonic milliseconds); infinite where the source has no such bound. */
  readonly untilMs: number;
}

/** What an earlier source of the same backend knew of a Pod. */
export interface KnownClaim {
  readonly claim: Claim | null;
  readonly lastProbe: ProbeReport | null;
}

/**
 * Asks who claims to lead one backend. It does not judge: leadership/arbitrate.ts does. One that takes over from another
 * starts from what that one knew, so that a claim does not end because somebody else asks for it now.
 */
export interface ClaimSource {
  /** @param asked called once: the Pod has been asked, well or badly, or will not be */
  join(pod: RosterPod, known: KnownClaim | null, asked: () => void): void;
  leave(podId: number): void;
  claims(): readonly Claim[];
  /** A Pod's claim, or null. */
  claim(podId: number): Claim | null;
  /** When a Pod's claim ends unless it is shown again (monotonic milliseconds); infinite where the source has no such bound. */
  untilMs(podId: number): number;
  /** Whether `claims` says something yet: a look-up that has only failed says nothing. */
  readonly knows: boolean;
  /** Whether a Pod's last answer was that it does not lead; false where it was silent, or claims. */
  denies(podId: number): boolean;
  /** Whether a Pod was asked last without an answer, or not yet. */
  isSilent(podId: number): boolean;
  /** Asks every Pod again now, those in `first` before the others; `finished` is called when all have ended. */
  round(first: ReadonlySet<number>, finished: () => void): void;
  /** The search for a leader has begun, become quicker or ended: whoever is asked in turns is asked at the new pace. */
  repace(): void;
  /** What others say who watch over all Pods, where the source listens to any. */
  counsel?(): Counsel;
  /** The last probe of a Pod, where the source probes. */
  lastProbe(podId: number): ProbeReport | null;
  /** How the probes of a Pod have been ending, where the source probes. */
  probeRun(podId: number): ProbeRun | null;
  /** What keeps the source from asking whom it should ask; null: nothing. */
  trouble?(): LookupTrouble | null;
  close(): void;
}

export interface ClaimEvents {
  /** The claims may have changed. */
  onClaims(): void;
  /** A Pod that did not claim before does now, believed yet or not. */
  onNewClaim(podId: number): void;
  /** A probe of the Pod ended as another kind of thing than the one before; the first one, too. */
  onOtherAnswer(podId: number, run: ProbeRun): void;
}
