import type { Turn } from './release-row.ts';

/**
 * What was held goes to its Pod once its connection is open, its client is known to be there still, and those before it have gone.
 * The first two are awaited side by side.
 */
export class Departure {
  #turn: Turn | null;
  #isConfirmed = false;
  #go: (() => void) | null = null;

  /** @param turn its place among those that are released with it; null: it has none to keep */
  constructor(turn: Turn | null) {
    this.#turn = turn;
  }

  /** Its client is there. */
  confirmed(): void {
    this.#isConfirmed = true;
    this.#depart();
  }

  /** Its connection is open; again where that was another one. @param go guards itself */
  opened(go: () => void): void {
    this.#go = go;
    this.#depart();
  }

  /** It has gone, or does not go by this connection: nobody waits for it. What is known of its client stays. */
  leave(): void {
    this.#go = null;
    const turn = this.#turn;
    this.#turn = null;
    turn?.leave();
  }

  #depart(): void {
    const go = this.#go;
    if (!this.#isConfirmed || go === null) return;
    if (this.#turn === null) go();
    else this.#turn.whenFirst(go);
  }
}
