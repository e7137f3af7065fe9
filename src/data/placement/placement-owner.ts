import type { RuleConfig } from '../../model/config.ts';
import type { Failure } from '../../model/failure.ts';
import type { PodView } from '../../model/pod.ts';
import type { BackendSnapshot } from '../../model/snapshot.ts';

/** What is being placed, as its placement calls it: an HTTP request, or a connection of a TCP listener. */
export interface PlacementOwner {
  /** Bytes of its body that are here: they count for `hold.maxBytes`. */
  readonly received: number;
  /**
   * It goes to this Pod; where the selection is a fan-out, to these.
   * @param waited it comes out of the hold queue
   */
  place(pods: readonly PodView[], backend: BackendSnapshot, waited: boolean): void;
  /** No Pod gets it. It ends its placement. */
  refuse(failure: Failure, detail: string): void;
  /** It waits in the hold queue from now on, perhaps again. */
  waits(): void;
  /** A reload gave it another rule or backend. */
  moved(): void;
  /** Whether it can go on by this rule, or must begin anew. */
  canFollow(rule: RuleConfig): boolean;
  /**
   * A reload gave it a rule that it cannot follow, or none: its placement is over, and it begins anew.
   * @param rule null: none matches
   */
  restart(rule: RuleConfig | null): void;
  /** A mistake of this program was met while it waited: it ends. */
  crashed(): void;
}
