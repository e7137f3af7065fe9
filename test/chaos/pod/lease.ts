import { machineMs } from '../monotonic.ts';

/** How often a Pod asks for the lease. */
export const RENEW_MS = 100;

/** What a Pod believes of the lease: it holds it until its own clock says that it has run out. */
export class Lease {
  #term: number | null = null;
  #untilMs = 0;
  #asked = new Map<number, number>();
  #n = 0;
  /** How far this Pod's clock is behind. */
  behindMs = 0;

  /** Begins to ask. @returns the number of the question */
  ask(): number {
    this.#asked.set(++this.#n, machineMs());
    return this.#n;
  }

  /** The lease counts from when it was asked for: what stood still meanwhile has it for no longer. */
  answered(n: number, term: number | null, forMs: number): void {
    const askedMs = this.#asked.get(n) ?? 0;
    this.#asked.delete(n);
    this.#term = term;
    this.#untilMs = term === null ? 0 : askedMs + forMs;
  }

  /** The term while it leads, else null. */
  get term(): number | null {
    return machineMs() - this.behindMs < this.#untilMs ? this.#term : null;
  }
}
