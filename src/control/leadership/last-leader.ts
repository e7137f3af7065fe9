import type { Descendant } from '../probe/lineage.ts';

/**
 * How long the last leader may be silent before somebody leads who has not succeeded it. Sentinel makes a master that came back
 * empty a replica within 9 to 12 s (measured, Redis 7.0.15): until then it stands alone if the true one is silent.
 */
const GRACE_MS = 30_000;
/** Ids remembered of those that came before it. */
const MAX_SUCCEEDED = 100;

interface Last {
  readonly podId: number;
  readonly name: string;
  readonly id: string;
  /** Ids that it has succeeded, as far as it was seen. */
  readonly succeeded: readonly string[];
  /** Since when it does not claim, is not ready or has left; null: it claims and is ready. */
  lostSinceMs: number | null;
  left: boolean;
}

/**
 * What is remembered of the last leader that showed its lineage. As long as it is only silent, it may lead on unseen: another
 * claimant is believed only if it has succeeded it. Ends with the leader's own word that it does not lead.
 */
export class LastLeader {
  #last: Last | null = null;

  /** The last leader's Pod and id; null: none is remembered. */
  get known(): { readonly podId: number; readonly id: string } | null {
    return this.#last;
  }

  /** This one leads now. */
  leads({ podId, name, lineage }: Descendant & { readonly name: string }): void {
    if (lineage === null) {
      this.#last = null;
      return;
    }
    const before = this.#last;
    if (before !== null && before.podId === podId && before.id === lineage.id) {
      before.lostSinceMs = null;
      before.left = false;
      return;
    }
    const goesOn = before !== null && (lineage.previous === before.id || before.podId === podId);
    const ids = new Set(goesOn ? before.succeeded : []);
    if (lineage.previous !== null) ids.add(lineage.previous);
    ids.delete(lineage.id);
    const succeeded = [...ids].slice(-MAX_SUCCEEDED);
    this.#last = { podId, name, id: lineage.id, succeeded, lostSinceMs: null, left: false };
  }

  /**
   * What is seen of it now, before somebody is judged.
   * @param isAble it claims and is ready @param denies it said that it does not lead
   */
  seen(nowMs: number, isAble: boolean, denies: boolean, left: boolean): void {
    const last = this.#last;
    if (last === null) return;
    if (denies && !left) this.#last = null;
    last.left = left;
    last.lostSinceMs = isAble ? null : (last.lostSinceMs ?? nowMs);
  }

  /** Why a claimant, the only one or the first of several, is not believed; null: nothing speaks against it. */
  objection({ podId, lineage, name }: Descendant & { readonly name: string }, nowMs: number): string | null {
    const last = this.#last;
    if (last === null || lineage === null || podId === last.podId || lineage.previous === last.id)
      return null;
    const inGrace = nowMs < (last.lostSinceMs ?? nowMs) + GRACE_MS;
    if (last.succeeded.includes(lineage.id))
      return inGrace || !last.left
        ? `${name} claims, but ${last.name}, which led last, has succeeded it`
        : null;
    if (!inGrace || last.left) return null;
    const why = lineage.previous === null ? 'was never promoted' : 'has not succeeded it';
    return `${name} claims but ${why}, and ${last.name}, which led last, has not said that it leads no more`;
  }

  /** Milliseconds until an objection may end by itself, or null. */
  endsInMs(nowMs: number): number | null {
    const lostSinceMs = this.#last?.lostSinceMs ?? null;
    return lostSinceMs === null || nowMs >= lostSinceMs + GRACE_MS ? null : lostSinceMs + GRACE_MS - nowMs;
  }

  forget(): void {
    this.#last = null;
  }

  /** Goes on from what another one remembers. */
  follow(before: LastLeader): void {
    this.#last = before.#last;
  }
}
