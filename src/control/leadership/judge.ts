import { higherTerm, type SeenTerm } from '../probe/terms.ts';
import { arbitrate, type Claimant, type Verdict } from './arbitrate.ts';
import type { Counsel } from './counsel.ts';
import { Handover } from './handover.ts';
import { LastLeader } from './last-leader.ts';
import { NamedLeader } from './named-leader.ts';

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
  /** Whether a Pod said nothing when it was asked last. */
  isSilent(podId: number): boolean;
  /** What others say of them; null: nobody does. */
  readonly counsel: Counsel | null;
}

/** What is made of the claims and the counsel. */
export interface Judgement extends Omit<Verdict, 'highestTerm'> {
  /** As `Leadership.yielding`. */
  readonly yielding?: number;
}

/** Judges claims by what was seen before: the highest term, and who led last. */
export class Judge {
  #highestTerm: HighestTerm | null = null;
  readonly #last = new LastLeader();
  readonly #named = new NamedLeader();
  readonly #handover = new Handover();

  get highestTerm(): HighestTerm | null {
    return this.#highestTerm;
  }

  judge(claimants: readonly Claimant[], now: Circumstances): Judgement {
    const { nowMs, wallMs, counsel } = now;
    const named = counsel?.named ?? null;
    const namedId = named?.podId ?? null;
    this.#handover.follow(counsel?.change ?? null, now.leaderId, (podId) => now.denies(podId));
    this.#named.seen(nowMs, named, claimants, (podId) => now.isSilent(podId));
    // One that is to be replaced keeps nobody out.
    const isAwaited = namedId !== null && !this.#handover.takesFrom(namedId);
    const claims = claimants.filter(({ podId }) => !this.#handover.takesFrom(podId));
    const last = this.#last.known;
    if (last !== null) {
      const isAble = claims.some(({ podId, ready }) => podId === last.podId && ready);
      this.#last.seen(nowMs, isAble, now.denies(last.podId), !now.isPresent(last.podId));
    }
    const past = {
      highestTerm: this.#highestTerm,
      reigning: last !== null && last.podId === now.leaderId ? last : null,
      named: namedId,
      objection: (claim: Claimant) =>
        claim.term === null
          ? (this.#last.objection(claim, nowMs) ?? (isAwaited ? this.#named.objection(claim, nowMs) : null))
          : null,
    };
    const { highestTerm, ...verdict } = arbitrate(claims, past, now.onConflict);
    if (highestTerm !== null && highestTerm.term !== this.#highestTerm?.term)
      this.#highestTerm = { ...highestTerm, sinceMs: wallMs };
    const leader = claims.find(({ podId }) => podId === verdict.leaderId);
    if (leader !== undefined) this.#last.leads(leader);
    const judgement = { ...verdict, claimants: claimants.map(({ name }) => name) };
    return verdict.state === 'known' || counsel === null
      ? judgement
      : this.#withCounsel(judgement, counsel, claims.length > 0);
  }

  /** Milliseconds until the same claims may be judged otherwise, or null. */
  changesInMs(nowMs: number): number | null {
    const ends = [this.#last.endsInMs(nowMs), this.#named.endsInMs(nowMs)].filter((ms) => ms !== null);
    return ends.length === 0 ? null : Math.min(...ends);
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

  /** Where nobody leads it is said what those who watch over the Pods have to do with it. */
  #withCounsel(judgement: Judgement, counsel: Counsel, othersClaim: boolean): Judgement {
    const { reason, leaderBefore } = this.#handover;
    if (reason === null) return { ...judgement, reason: `${judgement.reason}; ${counsel.reason}` };
    return {
      ...judgement,
      reason: othersClaim ? `${reason}; ${judgement.reason}` : reason,
      ...(leaderBefore === null ? {} : { yielding: leaderBefore }),
    };
  }
}
