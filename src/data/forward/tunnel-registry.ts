import type { SnapshotCell } from '../../boundary/snapshot-cell.ts';
import type { BackendSnapshot, RoutingSnapshot } from '../../model/snapshot.ts';
import { type Clock, systemClock, type Timer } from '../../platform/clock.ts';
import { UnreadPeers } from './unread-peers.ts';

/** A connection that outlives snapshots: a TCP connection or an upgraded one. */
export interface Tunnel {
  /** The listener that it came in by. */
  readonly listener: string;
  readonly backend: string;
  readonly podId: number;
  readonly rule: string;
  /** null: the rule does not send to the leader. */
  readonly onDemotion: 'Close' | 'Drain' | null;
  readonly onUnready: 'Keep' | 'Close';
  /** Cuts both sides at once. */
  destroy(reason: string): void;
}

/** What `/state` shows of open tunnels. */
export interface TunnelCount {
  readonly listener: string;
  readonly backend: string;
  readonly rule: string;
  readonly open: number;
  /** Of these, how many wait to be cut because their backend or listener was removed. */
  readonly draining: number;
}

/**
 * Every open tunnel. Watches the snapshots, and cuts:
 * - at once, of a Leader rule with `onDemotion: Close`, when its Pod is not the one known leader any more: with none or
 *   two, too, since no write byte may go anywhere then (SPEC 6, promises 3 and 4);
 * - at once, with `onUnready: Close`, when its Pod turns unready;
 * - `shutdown.timeout` after its backend or listener was removed.
 * Tunnels to a Pod that left, or was ejected, stay until they end by themselves.
 */
export class TunnelRegistry {
  /** Those of its tunnels that nobody reads. */
  readonly unread: UnreadPeers;
  readonly #cell: SnapshotCell;
  readonly #clock: Clock;
  readonly #tunnels = new Map<Tunnel, Timer | null>();
  readonly #unsubscribe: () => void;
  #whenEmpty: (() => void)[] = [];

  constructor(cell: SnapshotCell, clock: Clock = systemClock, unread: UnreadPeers = new UnreadPeers(clock)) {
    this.unread = unread;
    this.#cell = cell;
    this.#clock = clock;
    this.#unsubscribe = cell.subscribe((next, previous) => this.#review(next, previous));
  }

  get size(): number {
    return this.#tunnels.size;
  }

  /**
   * Registers an open tunnel. If it may not stay, it is cut right after the caller's present step.
   * @returns a function to call when it has ended
   */
  add(tunnel: Tunnel): () => void {
    this.#tunnels.set(tunnel, null);
    const snapshot = this.#cell.current();
    if (reasonToCut(tunnel, snapshot.backends.get(tunnel.backend)) !== null || isRemoved(tunnel, snapshot))
      queueMicrotask(() => this.#judge(tunnel, this.#cell.current()));
    return () => this.#remove(tunnel);
  }

  counts(): TunnelCount[] {
    const counts = new Map<string, { -readonly [K in keyof TunnelCount]: TunnelCount[K] }>();
    for (const [{ listener, backend, rule }, timer] of this.#tunnels) {
      const key = JSON.stringify([listener, backend, rule]);
      const count = counts.get(key) ?? { listener, backend, rule, open: 0, draining: 0 };
      count.open++;
      if (timer !== null) count.draining++;
      counts.set(key, count);
    }
    return [...counts.values()];
  }

  /** Resolves as soon as no tunnel is open. */
  empty(): Promise<void> {
    if (this.#tunnels.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#whenEmpty.push(resolve));
  }

  /** Cuts all that is open and watches no more. */
  close(reason: string): void {
    this.#unsubscribe();
    for (const tunnel of [...this.#tunnels.keys()]) this.#cut(tunnel, reason);
  }

  #review(next: RoutingSnapshot, previous: RoutingSnapshot): void {
    const listenersChanged = next.listeners !== previous.listeners;
    for (const tunnel of [...this.#tunnels.keys()])
      if (listenersChanged || next.backends.get(tunnel.backend) !== previous.backends.get(tunnel.backend))
        this.#judge(tunnel, next);
  }

  #judge(tunnel: Tunnel, snapshot: RoutingSnapshot): void {
    const timer = this.#tunnels.get(tunnel);
    if (timer === undefined) return;
    const reason = reasonToCut(tunnel, snapshot.backends.get(tunnel.backend));
    if (reason !== null) this.#cut(tunnel, reason);
    else if (!isRemoved(tunnel, snapshot)) {
      timer?.clear();
      this.#tunnels.set(tunnel, null);
    } else if (timer === null) {
      const cut = (): void => this.#cut(tunnel, 'its backend or listener was removed');
      this.#tunnels.set(tunnel, this.#clock.after(snapshot.config.shutdownTimeoutMs, cut));
    }
  }

  #cut(tunnel: Tunnel, reason: string): void {
    this.#remove(tunnel);
    tunnel.destroy(reason);
  }

  #remove(tunnel: Tunnel): void {
    this.#tunnels.get(tunnel)?.clear();
    if (!this.#tunnels.delete(tunnel) || this.#tunnels.size > 0) return;
    const waiting = this.#whenEmpty;
    this.#whenEmpty = [];
    for (const resolve of waiting) resolve();
  }
}

function isRemoved(tunnel: Tunnel, snapshot: RoutingSnapshot): boolean {
  return (
    !snapshot.backends.has(tunnel.backend) ||
    !snapshot.listeners.some(({ config }) => config.name === tunnel.listener)
  );
}

function reasonToCut(tunnel: Tunnel, backend: BackendSnapshot | undefined): string | null {
  if (backend === undefined) return null;
  const { state, leader } = backend.leadership;
  if (tunnel.onDemotion === 'Close' && state !== 'unconfigured' && leader?.id !== tunnel.podId)
    return leader === null ? 'its Pod does not lead any more' : `${leader.name} leads now`;
  if (tunnel.onUnready === 'Close') {
    const pod = backend.pods.find(({ id }) => id === tunnel.podId);
    if (pod?.state === 'unready') return `its Pod is unready: ${pod.reason}`;
  }
  return null;
}
