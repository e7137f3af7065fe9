/**
 * Those that have left a hold queue and are on their way to their Pod, in order of arrival: each sends its first byte once the one
 * before it has, or has failed. Connections are opened side by side meanwhile.
 */
export class ReleaseRow {
  readonly #turns = new Set<Turn>();
  readonly #onLeave: () => void;
  #advancing = false;

  /** @param onLeave called after one has left */
  constructor(onLeave: () => void) {
    this.#onLeave = onLeave;
  }

  /** How many have not sent anything yet. */
  get size(): number {
    return this.#turns.size;
  }

  /** Behind all that are in it. */
  join(): Turn {
    const turn = new Turn(() => this.#left(turn));
    this.#turns.add(turn);
    turn.come = () => this.#advance();
    return turn;
  }

  #left(turn: Turn): void {
    if (!this.#turns.delete(turn)) return;
    this.#advance();
    this.#onLeave();
  }

  /** Calls whoever is first, as long as that one is ready and leaves by it. */
  #advance(): void {
    if (this.#advancing) return;
    this.#advancing = true;
    try {
      for (const turn of this.#turns) {
        if (!turn.isReady) break;
        turn.take();
        if (this.#turns.has(turn)) break;
      }
    } finally {
      this.#advancing = false;
    }
  }
}

/** One place in the row. */
export class Turn {
  /** Looks whether it is first; the row's. */
  come: () => void = () => {};
  readonly #leave: () => void;
  #run: (() => void) | null = null;

  constructor(leave: () => void) {
    this.#leave = leave;
  }

  get isReady(): boolean {
    return this.#run !== null;
  }

  /** Calls when it is first: now, if it is. `run` guards itself, and leaves. */
  whenFirst(run: () => void): void {
    this.#run = run;
    this.come();
  }

  take(): void {
    const run = this.#run;
    this.#run = null;
    run?.();
  }

  /** It has sent, or will not; a second call does nothing. */
  leave(): void {
    this.#leave();
  }
}
