import type { SnapshotCell } from '../../boundary/snapshot-cell.ts';
import type { PodView } from '../../model/pod.ts';
import type { RoutingSnapshot } from '../../model/snapshot.ts';
import { PodPool, type PoolDeps } from './upstream-pool.ts';

/** The pools of all Pods, by Pod id. Follows the snapshots: Pods that left or drain keep nothing idle. */
export class UpstreamPools {
  readonly #pools = new Map<number, PodPool>();
  readonly #deps: PoolDeps;
  readonly #unsubscribe: () => void;

  constructor(cell: SnapshotCell, deps: PoolDeps) {
    this.#deps = deps;
    this.#unsubscribe = cell.subscribe((next, previous) => this.#follow(next, previous));
  }

  of(backend: string, pod: PodView): PodPool {
    let pool = this.#pools.get(pod.id);
    if (pool === undefined) {
      pool = new PodPool(backend, pod, this.#deps);
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

  /** One that no request ever went to has nothing to wait for. */
  #leave(podId: number): void {
    const pool = this.#pools.get(podId);
    if (pool === undefined) this.#deps.outcomes.report({ kind: 'drained', podId });
    else pool.leave();
  }

  #follow(next: RoutingSnapshot, previous: RoutingSnapshot): void {
    for (const [name, backend] of next.backends) {
      if (previous.backends.get(name) === backend) continue;
      for (const pod of backend.pods) if (pod.state === 'draining') this.#leave(pod.id);
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
