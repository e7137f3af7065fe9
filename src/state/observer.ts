import type { SnapshotCell } from '../boundary/snapshot-cell.ts';
import type { RoutingSnapshot } from '../model/snapshot.ts';
import type { CellFamily } from '../observe/primitives.ts';
import { type Clock, systemClock, type Timer } from '../platform/clock.ts';
import { Failures } from './failures.ts';
import { History } from './history.ts';
import { Since } from './since.ts';

const TICK_MS = 1000;

/** What is remembered of one backend. */
export interface Remembered {
  readonly since: Since;
  readonly history: History;
}

export interface StateObserverDeps {
  readonly cell: SnapshotCell;
  /** Most that waited at a time since this was asked last, by backend; those where none waited may be left out. */
  takeHeldPeaks(): ReadonlyMap<string, number>;
  /** `headroute_request_failures_total`. */
  readonly failures: Pick<CellFamily, 'cells'>;
  readonly clock?: Clock;
}

/**
 * Remembers since when everything is as it is, and the last ten minutes, by looking at each snapshot and once a second at what
 * waits. Requests know nothing of it.
 */
export class StateObserver {
  readonly startedMs: number;
  readonly failures: Failures;
  readonly #deps: StateObserverDeps;
  readonly #clock: Clock;
  readonly #backends = new Map<string, Remembered>();
  readonly #unsubscribe: () => void;
  #timer: Timer | null = null;

  constructor(deps: StateObserverDeps) {
    this.#deps = deps;
    this.#clock = deps.clock ?? systemClock;
    this.startedMs = this.#clock.nowMs();
    this.failures = new Failures(deps.failures);
    this.#unsubscribe = deps.cell.subscribe((next, previous) => this.#follow(next, previous));
    this.#tick();
  }

  /** Undefined: no snapshot has the backend. */
  of(backend: string): Remembered | undefined {
    return this.#backends.get(backend);
  }

  close(): void {
    this.#unsubscribe();
    this.#timer?.clear();
  }

  #follow(next: RoutingSnapshot, previous: RoutingSnapshot): void {
    const nowMs = this.#clock.nowMs();
    for (const [name, backend] of next.backends) {
      const before = previous.backends.get(name) ?? null;
      if (backend === before) continue;
      let remembered = this.#backends.get(name);
      if (remembered === undefined) {
        remembered = { since: new Since(), history: new History() };
        this.#backends.set(name, remembered);
      }
      remembered.since.follow(backend, before, nowMs);
      remembered.history.follow(backend, nowMs);
    }
    for (const name of this.#backends.keys()) if (!next.backends.has(name)) this.#backends.delete(name);
  }

  #tick(): void {
    const nowMs = this.#clock.nowMs();
    const peaks = this.#deps.takeHeldPeaks();
    for (const [name, { history }] of this.#backends) history.held(peaks.get(name) ?? 0, nowMs);
    this.failures.tick(nowMs);
    this.#timer = this.#clock.after(TICK_MS, () => this.#tick());
  }
}
