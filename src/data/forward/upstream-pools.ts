import type { OutcomeSink } from '../../boundary/outcome-sink.ts';
import type { SnapshotCell } from '../../boundary/snapshot-cell.ts';
import type { PodView } from '../../model/pod.ts';
import type { RoutingSnapshot } from '../../model/snapshot.ts';
import type { Metrics } from '../../observe/metrics.ts';
import type { Logger } from '../../platform/logger.ts';
import { TurnEnd } from '../../platform/turn-end.ts';
import { PodPool } from './upstream-pool.ts';

/** The pools of all Pods, by Pod id. Follows the snapshots: Pods that left or drain keep nothing idle. */
export class UpstreamPools {
  readonly #pools = new Map<number, PodPool>();
  readonly #metrics: Metrics;
  readonly #outcomes: OutcomeSink;
  readonly #logger: Logger;
  readonly #turn = new TurnEnd();
  readonly #unsubscribe: () => void;

  constructor(cell: SnapshotCell, metrics: Metrics, outcomes: OutcomeSink, logger: Logger) {
    this.#logger = logger;
    this.#metrics = metrics;
    this.#outcomes = outcomes;
    this.#unsubscribe = cell.subscribe((next, previous) => this.#follow(next, previous));
  }

  of(backend: string, pod: PodView): PodPool {
    let pool = this.#pools.get(pod.id);
    if (pool === undefined) {
      pool = new PodPool(backend, pod, this.#metrics, this.#outcomes, this.#logger, this.#turn);
      this.#pools.set(pod.id, pool);
    }
    return pool;
  }

  find(podId: number): PodPool | undefined {
    return this.#pools.get(podId);
  }

  inFlight(podId: number): number {
    return this.#pools.get(podId)?.inFlight ?? 0;
  }

  closeIdle(nowMs: number): void {
    for (const pool of this.#pools.values()) if (pool.idle > 0) pool.closeIdle(nowMs);
  }

  close(): void {
    this.#unsubscribe();
    this.closeIdle(Number.POSITIVE_INFINITY);
  }

  #follow(next: RoutingSnapshot, previous: RoutingSnapshot): void {
    for (const [name, backend] of next.backends) {
      if (previous.backends.get(name) === backend) continue;
      for (const pod of backend.pods) if (pod.state === 'draining') this.of(name, pod).leave();
    }
    // Pods that are in no backend any more. Their pools stay as long as a request holds on to them.
    const present = new Set<number>();
    for (const backend of next.backends.values()) for (const pod of backend.pods) present.add(pod.id);
    for (const [id, pool] of this.#pools)
      if (!present.has(id)) {
        pool.leave();
        this.#pools.delete(id);
      }
  }
}
