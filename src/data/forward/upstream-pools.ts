import type { Socket } from 'node:net';
import type { SnapshotCell } from '../../boundary/snapshot-cell.ts';
import type { PodView } from '../../model/pod.ts';
import type { RoutingSnapshot } from '../../model/snapshot.ts';
import type { Metrics } from '../../observe/metrics.ts';
import { resetFor } from '../../platform/reset.ts';
import { vanished } from '../../platform/vanished-peers.ts';
import type { UpstreamConnection } from './upstream-connection.ts';
import { PodPool, type PoolDeps } from './upstream-pool.ts';

/**
 * The pools of all Pods, by Pod id, whatever the name of their backend is from reload to reload. Follows the snapshots: Pods that
 * left or drain keep nothing idle.
 */
export class UpstreamPools {
  readonly #pools = new Map<number, PodPool>();
  readonly #deps: PoolDeps;
  readonly #unsubscribe: () => void;

  readonly #open = new Set<UpstreamConnection>();
  /** `Metrics.byPod`, as the pools are bound. */
  #byPod: boolean;

  constructor(cell: SnapshotCell, deps: Omit<PoolDeps, 'open'>) {
    this.#deps = { ...deps, open: this.#open };
    this.#byPod = deps.metrics.byPod;
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

  /** What can be counted of the Pods that are there exists from 0 on, whether anything was sent to them or not. */
  *show({ backends }: RoutingSnapshot): Generator<void, void> {
    const { metrics } = this.#deps;
    for (const [name, { pods }] of backends) {
      metrics.upstreamDuration.with(name);
      for (const state of ['active', 'idle']) metrics.upstreamConnections.with(name, state);
      for (const { label } of pods) {
        showPod(metrics, name, metrics.podLabel(label));
        yield;
      }
    }
  }

  inFlight(podId: number): number {
    return this.#pools.get(podId)?.inFlight ?? 0;
  }

  /** Of the open connections of all Pods, but for tunnels. */
  *sockets(): Generator<Socket> {
    for (const { connected, socket } of this.#open) if (connected) yield socket;
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

  /**
   * Forgets the pools of Pods that are in no backend any more, once nothing is with them, and drops the series that are nobody's then.
   * @returns whether something is still with such a Pod
   */
  dropSeries({ backends }: RoutingSnapshot): boolean {
    const { metrics } = this.#deps;
    const labels = new Map<string, Set<string>>();
    const present = new Set<number>();
    for (const [name, { pods }] of backends) {
      labels.set(name, new Set(pods.map(({ label }) => metrics.podLabel(label))));
      for (const { id } of pods) present.add(id);
    }
    let leaving = false;
    for (const [id, pool] of this.#pools) {
      if (present.has(id)) continue;
      if (pool.isUnused) {
        this.#pools.delete(id);
        continue;
      }
      leaving = true;
      const known = labels.get(pool.backend) ?? new Set();
      labels.set(pool.backend, known.add(metrics.podLabel(pool.label)));
    }
    const isGone = ([backend, pod]: readonly string[]): boolean => labels.get(backend!)?.has(pod!) !== true;
    const { upstreamConnections, upstreamDuration, upstreamRequests, upstreamResponses, upstreamPoisoned } =
      metrics;
    for (const family of [upstreamConnections, upstreamDuration])
      family.remove(([backend]) => !labels.has(backend!));
    for (const family of [upstreamRequests, upstreamResponses, upstreamPoisoned]) family.remove(isGone);
    return leaving;
  }

  #follow(next: RoutingSnapshot, previous: RoutingSnapshot): void {
    const { byPod } = this.#deps.metrics;
    if (byPod !== this.#byPod) for (const pool of this.#pools.values()) pool.bindPod();
    this.#byPod = byPod;
    const present = new Set<number>();
    for (const [name, backend] of next.backends) {
      for (const { id } of backend.pods) present.add(id);
      if (previous.backends.get(name) === backend) continue;
      for (const pod of backend.pods) {
        this.#pools.get(pod.id)?.countAs(name, pod.label);
        if (pod.state === 'draining') this.#leave(pod.id);
        if (pod.lost === true) this.#cut(pod.id);
      }
    }
    // Pods that are in no backend any more. Their pools stay as long as a request holds on to them.
    for (const [id, pool] of this.#pools) if (!present.has(id)) pool.leave();
  }

  /** The Pod is gone for good: who waits for it shall wait no longer. */
  #cut(podId: number): void {
    for (const connection of this.#open)
      if (connection.podId === podId && connection.connected) resetFor(connection.socket, vanished());
  }
}

/** Each of these is a line of a scrape for each Pod, hence no more than what tells good from bad. */
const CLASSES = ['2xx', '5xx'];
const RESULTS = ['ok', 'connect_failed', 'reset', 'timeout'];

function showPod({ upstreamRequests, upstreamResponses }: Metrics, backend: string, label: string): void {
  for (const name of CLASSES) upstreamResponses.with(backend, label, name);
  for (const result of RESULTS) upstreamRequests.with(backend, label, result);
}
