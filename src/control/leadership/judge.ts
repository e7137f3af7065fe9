import { higherTerm, type SeenTerm } from '../probe/terms.ts';
import { arbitrate, type Claimant, type Verdict } from './arbitrate.ts';
import { LastLeader } from './last-leader.ts';

/** The highest term ever seen, and when it was shown first (wall-clock milliseconds). */
export interface HighestTerm extends SeenTerm {
  readonly sinceMs: number;
}

/** What is known of the Pods besides their claims. */
export interface Circumstances {
  readonly onConflict: 'Refuse' | 'HighestTerm';
  readonly nowMs: number;
  readonly wallMs: number;
  /** Who led until now, if anybody did. */
  readonly leaderId: number | null;
  isPresent(podId: number): boolean;
  /** Whether a Pod said that it does not lead, rather than nothing. */
  denies(podId: number): boolean;
}

/** Judges claims by what was seen before: the highest term, and who led last. */
export class Judge {
  #highestTerm: HighestTerm | null = null;
  readonly #last = new LastLeader();

  get highestTerm(): HighestTerm | null {
    return this.#highestTerm;
  }

  judge(claims: readonly Claimant[], now: Circumstances): Omit<Verdict, 'highestTerm'> {
    const { nowMs, wallMs } = now;
    const last = this.#last.known;
    if (last !== null) {
      const isAble = claims.some(({ podId, ready }) => podId === last.podId && ready);
      this.#last.seen(nowMs, isAble, now.denies(last.podId), !now.isPresent(last.podId));
    }
    const past = {
      highestTerm: this.#highestTerm,
      reigning: last !== null && last.podId === now.leaderId ? last : null,
      objection: (claim: Claimant) => (claim.term === null ? this.#last.objection(claim, nowMs) : null),
    };
    const { highestTerm, ...verdict } = arbitrate(claims, past, now.onConflict);
    if (highestTerm !== null && highestTerm.term !== this.#highestTerm?.term)
      this.#highestTerm = { ...highestTerm, sinceMs: wallMs };
    const leader = claims.find(({ podId }) => podId === verdict.leaderId);
    if (leader !== undefined) this.#last.leads(leader);
    return verdict;
  }

  /** Milliseconds until the same claims may be judged otherwise, or null. */
  changesInMs(nowMs: number): number | null {
    return this.#last.endsInMs(nowMs);
  }

  /** Somebody said by hand that what was seen means nothing. @returns the highest term that it was */
  forget(): HighestTerm | null {
    const forgotten = this.#highestTerm;
    this.#highestTerm = null;
    this.#last.forget();
    return forgotten;
  }

  /** Goes on from what another one has seen. */
  follow(before: Judge): void {
    this.#highestTerm = higherTerm(this.#highestTerm, before.#highestTerm);
    this.#last.follow(before.#last);
  }
}
