/**
 * The beginning of a backend: over when the first whole round of look-ups has ended and each Pod found by then has been
 * asked once, for its health and for its claim, well or badly.
 */
export class WarmUp {
  #roundEnded = false;
  #open = 0;
  #over = false;
  #waiting: (() => void)[] = [];

  /** A first question to a Pod. @returns a function to call once when it has ended */
  open(): () => void {
    if (this.#over) return () => {};
    this.#open++;
    return () => {
      this.#open--;
      this.#look();
    };
  }

  /** Whether every first question so far has ended; once it is over, for good. */
  get probed(): boolean {
    return this.#over || this.#open === 0;
  }

  roundEnded(): void {
    this.#roundEnded = true;
    this.#look();
  }

  whenOver(call: () => void): void {
    if (this.#over) call();
    else this.#waiting.push(call);
  }

  /** Nothing more is waited for. */
  end(): void {
    this.#over = true;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const call of waiting) call();
  }

  #look(): void {
    if (!this.#over && this.#roundEnded && this.#open === 0) this.end();
  }
}
