import type { RoutingSnapshot } from '../model/snapshot.ts';
import { crashed } from '../platform/guard.ts';
import { type Causes, NO_CAUSES } from './causes.ts';
import type { Leases } from './leases.ts';

/** Holds the present snapshot. One writer (the control loop), any number of readers. */
export class SnapshotCell {
  /** Until when its leaders are believed; set by who writes the snapshots. */
  leases: Leases = { isOver: () => false };
  /** Why its backends do not serve everything; set likewise. */
  causes: Causes = NO_CAUSES;
  #current: RoutingSnapshot;
  readonly #subscribers = new Set<(next: RoutingSnapshot, previous: RoutingSnapshot) => void>();

  constructor(initial: RoutingSnapshot) {
    this.#current = initial;
  }

  current(): RoutingSnapshot {
    return this.#current;
  }

  /** Replaces the snapshot and tells every subscriber, in order of subscription, before it returns; one that throws keeps it from none. */
  publish(next: RoutingSnapshot): void {
    const previous = this.#current;
    if (next === previous) return;
    this.#current = next;
    for (const subscriber of this.#subscribers) {
      try {
        subscriber(next, previous);
      } catch (error) {
        crashed('subscriber', error);
      }
    }
  }

  /** @returns a function that ends the subscription. */
  subscribe(subscriber: (next: RoutingSnapshot, previous: RoutingSnapshot) => void): () => void {
    this.#subscribers.add(subscriber);
    return () => this.#subscribers.delete(subscriber);
  }
}
