import type { AnnouncedChange } from './counsel.ts';

/**
 * A change of leader that was announced. From then on neither the Pod that is to be replaced nor the one that has led until then
 * is believed, whatever they claim: the old master of a planned failover goes on as one for 11 s (measured, Redis 7.0.15).
 * It is over, too, when the one that has taken over says that it does not lead: the promotion was taken back.
 */
export class Handover {
  #change: AnnouncedChange | null = null;
  #leaderBefore: number | null = null;
  #successor: number | null = null;
  #isOver = true;

  /**
   * @param leaderId who has led until now
   * @param denies whether a Pod says that it does not lead
   */
  follow(change: AnnouncedChange | null, leaderId: number | null, denies: (podId: number) => boolean): void {
    if (change?.of !== this.#change?.of) {
      this.#change = change;
      this.#leaderBefore = change === null ? null : leaderId;
      this.#successor = null;
      this.#isOver = change === null;
    } else if (!this.#isOver && leaderId !== null) this.#successor = leaderId;
    if (this.#successor !== null && denies(this.#successor)) this.#isOver = true;
  }

  /** Why nobody leads while it is under way; null: none is. */
  get reason(): string | null {
    return this.#isOver ? null : this.#change!.reason;
  }

  /** Who led when it began. */
  get leaderBefore(): number | null {
    return this.#leaderBefore;
  }

  /** Whether it takes the lead from this Pod. */
  takesFrom(podId: number): boolean {
    return !this.#isOver && (podId === this.#change!.from || podId === this.#leaderBefore);
  }
}
