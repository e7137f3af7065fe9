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
    const turn = new Turn(this);
    this.#turns.add(turn);
    return turn;
  }

  remove(turn: Turn): void {
    if (!this.#turns.delete(turn)) return;
    this.advance();
    this.#onLeave();
  }

  /** Calls whoever is first, as long as that one is ready and leaves by it. */
  advance(): void {
    if (this.#advancing) return;
    this.#advancing = true;
    try {
      for (const turn of this.#turns) if (!turn.take() || this.#turns.has(turn)) break;
    } finally {
      this.#advancing = false;
    }
  }
}

/** One place in the row. */
export class Turn {
  readonly #row: ReleaseRow;
  #run: (() => void) | null = null;

  constructor(row: ReleaseRow) {
    this.#row = row;
  }

  /** Calls when it is first: now, if it is. `run` guards itself, and leaves. */
  whenFirst(run: () => void): void {
    this.#run = run;
    this.#row.advance();
  }

  /** For the row, when it is first. @returns false: it is not ready */
  take(): boolean {
    const run = this.#run;
    this.#run = null;
    run?.();
    return run !== null;
  }

  /** It has sent, or will not; a second call does nothing. */
  leave(): void {
    this.#row.remove(this);
  }
}
