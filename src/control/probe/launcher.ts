import { runGuarded } from '../../platform/guard.ts';

/** Probes begun in one turn of the event loop; opening a connection costs some 50 µs. */
const PER_TURN = 4;

/**
 * Spreads bursts of probes (1,000 new Pods, a round on evidence) over turns of the event loop, so that no turn is held up
 * for long. Not a limit on probes under way: many silent Pods must not delay those that answer.
 */
export class Launcher {
  #queue: (() => void)[] = [];
  #begun = 0;
  #armed = false;

  /** Runs `start` now, or in one of the next turns. */
  launch(start: () => void): void {
    if (this.#begun < PER_TURN && this.#queue.length === 0) {
      this.#begun++;
      this.#arm();
      start();
    } else {
      this.#queue.push(start);
      this.#arm();
    }
  }

  #arm(): void {
    if (this.#armed) return;
    this.#armed = true;
    setImmediate(() => {
      this.#armed = false;
      const turn = this.#queue.splice(0, PER_TURN);
      this.#begun = turn.length;
      if (this.#begun > 0) this.#arm();
      for (const start of turn) runGuarded('probe', start);
    });
  }
}
