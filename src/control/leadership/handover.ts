import type { AnnouncedChange } from './counsel.ts';

/**
 * A change of leader that was announced. From then on neither the Pod that is to be replaced nor the one that has led until then
 * is believed, whatever they claim: the old master of a planned failover goes on as one for 11 s (measured, Redis 7.0.15).
 */
export class Handover {
  #change: AnnouncedChange | null = null;
  #leaderBefore: number | null = null;

  /** @param leaderId who has led until now */
  follow(change: AnnouncedChange | null, leaderId: number | null): void {
    if (change === this.#change) return;
    this.#change = change;
    this.#leaderBefore = change === null ? null : leaderId;
  }

  /** Why nobody leads while it is under way; null: none is. */
  get reason(): string | null {
    return this.#change?.reason ?? null;
  }

  /** Who led when it began. */
  get leaderBefore(): number | null {
    return this.#leaderBefore;
  }

  /** Whether it takes the lead from this Pod. */
  takesFrom(podId: number): boolean {
    return this.#change !== null && (podId === this.#change.from || podId === this.#leaderBefore);
  }
}
