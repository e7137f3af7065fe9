import type { HoldConfig } from '../../model/config.ts';
import type { ListenerSnapshot, RoutingSnapshot } from '../../model/snapshot.ts';
import type { Metrics } from '../../observe/metrics.ts';
import { systemClock } from '../../platform/clock.ts';
import { type HoldObserver, HoldQueue } from './hold-queue.ts';
import { mayHold } from './possible.ts';

/** The queues of all backends, by name. */
export class HoldQueues {
  readonly #queues = new Map<string, HoldQueue>();
  readonly #metrics: Metrics;
  readonly #observers: readonly HoldObserver[];

  constructor(metrics: Metrics, observers: readonly HoldObserver[]) {
    this.#metrics = metrics;
    this.#observers = observers;
  }

  of(backend: string): HoldQueue {
    let queue = this.#queues.get(backend);
    if (queue === undefined) {
      queue = new HoldQueue(backend, this.#metrics, systemClock, this.#observers);
      this.#queues.set(backend, queue);
    }
    return queue;
  }

  /** As `HoldQueue.hasRoom`, of a queue that may not have been needed yet. */
  hasRoom(backend: string, rule: string, limits: HoldConfig): boolean {
    const queue = this.#queues.get(backend);
    return queue === undefined ? limits.maxRequests > 0 : queue.hasRoom(rule, limits, 0);
  }

  /** How many wait for a Pod of this backend, and the one that waits longest for how long. */
  waiting(backend: string): Pick<HoldQueue, 'size' | 'longestMs'> {
    return this.#queues.get(backend) ?? { size: 0, longestMs: 0 };
  }

  /** Those of backends that rules wait for are there before anything waits, and so are their series. */
  show(listeners: readonly ListenerSnapshot[]): void {
    for (const { config } of listeners)
      for (const { selection, backendRefs } of config.rules)
        if (mayHold(selection) !== null) for (const { name } of backendRefs) this.of(name).show();
  }

  /** What waits of a rule for a backend. */
  usageOf(backend: string, rule: string): { readonly requests: number; readonly bytes: number } {
    return this.#queues.get(backend)?.usageOf(rule) ?? { requests: 0, bytes: 0 };
  }

  /** How many wait, by backend. */
  sizes(): Record<string, number> {
    return Object.fromEntries([...this.#queues].map(([name, queue]) => [name, queue.size]));
  }

  /** How long the one that waits longest has waited, in milliseconds, by backend. */
  longestMs(): Record<string, number> {
    return Object.fromEntries([...this.#queues].map(([name, queue]) => [name, queue.longestMs]));
  }

  /** As `HoldQueue.takePeak`, by backend; those where none waited are left out. */
  takePeaks(): Map<string, number> {
    const peaks = new Map<string, number>();
    for (const [name, queue] of this.#queues) {
      const peak = queue.takePeak();
      if (peak > 0) peaks.set(name, peak);
    }
    return peaks;
  }

  /** Lets those pick again whose backend, or rules, may have changed. */
  follow(next: RoutingSnapshot, previous: RoutingSnapshot): void {
    const rematched = next.listeners !== previous.listeners && this.#rematch();
    for (const [name, queue] of this.#queues)
      if (queue.size > 0 && (rematched || next.backends.get(name) !== previous.backends.get(name)))
        queue.wake();
  }

  /** Each finds its rule anew, in order of arrival over all queues. @returns whether any waited */
  #rematch(): boolean {
    const waiting = [...this.#queues.values()].flatMap((queue) => queue.waiting());
    for (const { rematch } of waiting.sort((a, b) => a.arrival - b.arrival)) rematch();
    for (const queue of this.#queues.values()) queue.sort();
    return waiting.length > 0;
  }

  /** Gives up what belongs to backends that are gone. @returns whether some still wait there */
  dropSeries({ backends }: RoutingSnapshot): boolean {
    for (const [name, queue] of this.#queues)
      if (queue.size === 0 && !backends.has(name)) this.#queues.delete(name);
    const isGone = ([name]: readonly string[]): boolean => !backends.has(name!) && !this.#queues.has(name!);
    this.#metrics.heldRequests.remove(isGone);
    this.#metrics.holdDuration.remove(isGone);
    return [...this.#queues.keys()].some((name) => !backends.has(name));
  }
}
