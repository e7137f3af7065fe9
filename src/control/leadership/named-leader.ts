import type { Lineage } from '../probe/lineage.ts';
import type { Claimant } from './arbitrate.ts';
import type { Counsel } from './counsel.ts';

/**
 * How long a named Pod that is silent keeps others from leading. An old master is made a replica within 12 s (measured, Redis 7.0.15
 * with Sentinel); Sentinels may name a dead one for good (redis/redis#13335).
 */
const GRACE_MS = 30_000;

type Named = NonNullable<Counsel['named']>;

/**
 * The Pod that is named as leader from outside. As long as it is only silent it may lead on unseen, and whoever claims beside it
 * may be the former master: nobody leads then but who has succeeded it, for a while.
 */
export class NamedLeader {
  /** The last that was named, though none be now: what is known of it is no older by that. */
  #named: Named | null = null;
  #isNamed = false;
  /** What it showed when it claimed last. */
  #lineage: Lineage | null = null;
  /** Since when it does not answer; null: it does. */
  #silentSinceMs: number | null = null;

  /**
   * What is seen of it now, before somebody is judged.
   * @param named null: nobody is
   */
  seen(
    nowMs: number,
    named: Named | null,
    claims: readonly Claimant[],
    isMute: (podId: number) => boolean,
  ): void {
    this.#isNamed = named !== null;
    if (named !== null && named.podId !== this.#named?.podId) {
      this.#lineage = null;
      this.#silentSinceMs = null;
    }
    this.#named = named ?? this.#named;
    if (this.#named === null) return;
    const { podId } = this.#named;
    const claim = claims.find((claimant) => claimant.podId === podId);
    if (claim !== undefined) this.#lineage = claim.lineage;
    // One that claims and is not ready is as good as silent.
    const isSilent = claim === undefined ? isMute(podId) : !claim.ready;
    this.#silentSinceMs = isSilent ? (this.#silentSinceMs ?? nowMs) : null;
  }

  /** Why a claimant does not lead; null: nothing speaks against it. */
  objection({ podId, name, lineage }: Claimant, nowMs: number): string | null {
    const named = this.#named;
    if (named === null || podId === named.podId || this.endsInMs(nowMs) === null) return null;
    if (this.#lineage !== null && lineage?.previous === this.#lineage.id) return null;
    return `${name} claims, but ${named.name}, which is named, has not said that it does not lead`;
  }

  /** Milliseconds until an objection ends by itself, or null. */
  endsInMs(nowMs: number): number | null {
    if (!this.#isNamed || this.#silentSinceMs === null) return null;
    const leftMs = this.#silentSinceMs + GRACE_MS - nowMs;
    return leftMs > 0 ? leftMs : null;
  }
}
