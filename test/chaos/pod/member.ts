import { machineMs } from '../monotonic.ts';
import { type Faults, NO_FAULTS } from './faults.ts';
import type { PodLog } from './log.ts';
import type { Store } from './store.ts';

/** Whether a Pod says that it leads, and with which term. */
export interface Claim {
  readonly on: boolean;
  readonly term: number | null;
}

/** One Pod's view of itself, which its two ports share. */
export class Member {
  readonly name: string;
  readonly log: PodLog;
  readonly store: Store;
  faults: Faults = NO_FAULTS;
  readonly #onFaults = new Set<() => void>();
  #deafSinceMs = 0;
  #claim: Claim = { on: false, term: null };

  constructor(name: string, log: PodLog, store: Store) {
    this.name = name;
    this.log = log;
    this.store = store;
    setInterval(() => this.claim(), 5);
  }

  /** What it claims now; a change is logged. */
  claim(): Claim {
    const { term } = this.store.lease;
    const forced = this.faults.claim;
    const on = forced !== null || term !== null;
    const claim = { on, term: forced === null ? term : forced.term };
    if (on !== this.#claim.on || claim.term !== this.#claim.term) {
      this.#claim = claim;
      this.log.write({ e: 'claim', ...claim });
    }
    return claim;
  }

  /** Other faults from now on. */
  set(faults: Faults): void {
    if (faults.deaf && !this.faults.deaf) this.#deafSinceMs = machineMs();
    if (!faults.deaf && this.faults.deaf) this.log.stood(machineMs() - this.#deafSinceMs);
    this.faults = faults;
    this.claim();
    for (const tell of this.#onFaults) tell();
  }

  /** @returns ends it */
  whenFaultsChange(tell: () => void): () => void {
    this.#onFaults.add(tell);
    return () => this.#onFaults.delete(tell);
  }
}
