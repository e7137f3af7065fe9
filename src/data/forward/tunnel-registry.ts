import type { Socket } from 'node:net';
import type { SnapshotCell } from '../../boundary/snapshot-cell.ts';
import type { ConnectionEnd } from '../../model/connection-end.ts';
import type { PodView } from '../../model/pod.ts';
import type { BackendSnapshot, RoutingSnapshot } from '../../model/snapshot.ts';
import { type Clock, systemClock, type Timer } from '../../platform/clock.ts';
import { runGuarded } from '../../platform/guard.ts';
import type { InboundListener } from '../inbound-listener.ts';
import { UnreadPeers } from './unread-peers.ts';

/** Why what goes on is cut. */
export interface Cut {
  readonly end: ConnectionEnd;
  /** In words. */
  readonly detail: string;
}

/** What goes on through snapshots: a TCP connection, an upgraded one, or a request that is with a leader. */
export interface Tunnel {
  readonly listener: InboundListener;
  /** Its backend is the one that has this Pod, whatever the name of that is from reload to reload. */
  readonly podId: number;
  readonly rule: string;
  /** null: the rule does not send to the leader. */
  readonly onDemotion: 'Close' | 'Drain' | null;
  readonly onUnready: 'Keep' | 'Close';
  /** Of a request: whether all of it is with its Pod. */
  isWithPod?(): boolean;
  /** Its socket on the Pod's side, where it has one of its own. */
  readonly upstream?: Socket;
  /** Counts the bytes that have passed since it was asked last. */
  countBytes?(): void;
  /** Cuts both sides at once. */
  destroy(cut: Cut): void;
  /** Sends nothing more to the Pod, and passes on what comes from it; one without this is cut instead. */
  pause?(): void;
  /** Sends to the Pod again, after `pause`. */
  resume?(): void;
  /** Ms since the Pod had the last word; 0 where it is the client's. Where `pause` is. */
  answeredForMs?(): number;
}

/**
 * How long a tunnel whose Pod yields (`Leadership.yielding`) waits for answers to what it has sent. From Sentinel's first word to the
 * promotion it is two turns of its timer of 52 to 100 ms (126 to 165 ms measured, Redis 7.0.15): what is acknowledged in this time
 * is so before the promotion.
 */
const YIELD_MS = 80;
/**
 * One whose Pod had the last word, and then said nothing for so long, waits for nothing. It is cut before its client says more, which
 * would have an unknown outcome; so the client learns of it between two commands, and what it says over its next connection waits.
 */
const ANSWERED_MS = 5;

const REPLACED: Cut = { end: 'demotion', detail: 'its Pod is being replaced' };
const REMOVED: Cut = { end: 'removed', detail: 'its backend or listener was removed' };

/** What `/state` shows of open tunnels. */
export interface TunnelCount {
  readonly listener: string;
  readonly backend: string;
  readonly rule: string;
  readonly open: number;
  /** Of these, how many wait to be cut because their backend or listener was removed. */
  readonly draining: number;
}

/** What is known of an open tunnel beside itself. */
interface Standing {
  /** The name of the backend that has its Pod, or had it last. */
  backend: string;
  /** Cuts it, where its backend or listener was removed. */
  timer: Timer | null;
  /** Cuts it, where its Pod yields: it is paused until then. */
  yielding: Timer | null;
}

/** A Pod and the backend that it belongs to now. */
interface Place {
  readonly pod: PodView;
  readonly name: string;
  readonly backend: BackendSnapshot;
}

/**
 * Every open tunnel. Watches the snapshots, and cuts:
 * - at once, of a Leader rule with `onDemotion: Close`, when its Pod is not the one known leader any more: with none or
 *   two, too, since no write byte may go anywhere then (SPEC 6, promises 3 and 4);
 *   but where that Pod yields, as soon as it seems to have answered, at most `YIELD_MS` later, and nothing is sent to it meanwhile;
 * - a request that is with its Pod as a whole only where that Pod has fallen silent, and another leads;
 * - at once, with `onUnready: Close`, when its Pod turns unready;
 * - at once, when its Pod has left DNS and gives no sign of life;
 * - `shutdown.timeout` after its backend or listener was removed.
 * Tunnels to a Pod that left, or was ejected, stay until they end by themselves. A backend or listener that only got another name
 * was not removed.
 */
export class TunnelRegistry {
  /** Those of its tunnels that nobody reads. */
  readonly unread: UnreadPeers;
  readonly #cell: SnapshotCell;
  readonly clock: Clock;
  readonly #tunnels = new Map<Tunnel, Standing>();
  readonly #unsubscribe: () => void;

  constructor(cell: SnapshotCell, clock: Clock = systemClock, unread: UnreadPeers = new UnreadPeers(clock)) {
    this.unread = unread;
    this.#cell = cell;
    this.clock = clock;
    this.#unsubscribe = cell.subscribe((next, previous) => this.#review(next, previous));
  }

  get size(): number {
    return this.#tunnels.size;
  }

  /**
   * Registers an open tunnel. If it may not stay, it is cut right after the caller's present step.
   * @param backend the name of its backend, as far as the caller knows
   * @returns a function to call when it has ended
   */
  add(tunnel: Tunnel, backend: string): () => void {
    const standing: Standing = { backend, timer: null, yielding: null };
    this.#tunnels.set(tunnel, standing);
    const { backends } = this.#cell.current();
    const known = backends.get(backend);
    const leader = known?.leadership.leader;
    // The leader itself, as with each upload to one, needs no search.
    const pod = leader?.id === tunnel.podId ? leader : known?.pods.find(({ id }) => id === tunnel.podId);
    const isInPlace = known !== undefined && pod !== undefined && !tunnel.listener.removed;
    if (!isInPlace || yields(tunnel, known) || reasonToCut(tunnel, known, pod) !== null)
      queueMicrotask(() =>
        runGuarded(
          'tcp',
          () => {
            const snapshot = this.#cell.current();
            this.#judge(tunnel, snapshot, placesOf(snapshot));
          },
          () => tunnel.destroy({ end: 'internal_error', detail: 'internal error' }),
        ),
      );
    return () => this.#remove(tunnel);
  }

  /** What has passed so far is counted; the rest will be at the end. */
  countBytes(): void {
    for (const tunnel of this.#tunnels.keys()) tunnel.countBytes?.();
  }

  /** On the Pods' side. */
  *sockets(): Generator<Socket> {
    for (const { upstream } of this.#tunnels.keys()) if (upstream !== undefined) yield upstream;
  }

  counts(): TunnelCount[] {
    const counts = new Map<string, { -readonly [K in keyof TunnelCount]: TunnelCount[K] }>();
    for (const [{ listener: inbound, rule, isWithPod }, { backend, timer }] of this.#tunnels) {
      if (isWithPod !== undefined) continue;
      const listener = inbound.snapshot.config.name;
      const key = JSON.stringify([listener, backend, rule]);
      const count = counts.get(key) ?? { listener, backend, rule, open: 0, draining: 0 };
      count.open++;
      if (timer !== null) count.draining++;
      counts.set(key, count);
    }
    return [...counts.values()];
  }

  /** The sidecar shuts down: cuts all that is open and watches no more. */
  close(): void {
    this.#unsubscribe();
    for (const tunnel of [...this.#tunnels.keys()])
      this.#cut(tunnel, { end: 'shutdown', detail: 'the sidecar shuts down' });
  }

  #review(next: RoutingSnapshot, previous: RoutingSnapshot): void {
    const listenersChanged = next.listeners !== previous.listeners;
    let places: ReadonlyMap<number, Place> | null = null;
    for (const [tunnel, { backend }] of [...this.#tunnels]) {
      const known = next.backends.get(backend);
      if (!listenersChanged && known !== undefined && known === previous.backends.get(backend)) continue;
      places ??= placesOf(next);
      this.#judge(tunnel, next, places);
    }
  }

  #judge(tunnel: Tunnel, snapshot: RoutingSnapshot, places: ReadonlyMap<number, Place>): void {
    const standing = this.#tunnels.get(tunnel);
    if (standing === undefined) return;
    const place = places.get(tunnel.podId);
    if (place !== undefined) standing.backend = place.name;
    const backend = place?.backend ?? snapshot.backends.get(standing.backend);
    this.#pause(tunnel, standing, backend !== undefined && yields(tunnel, backend));
    if (!this.#tunnels.has(tunnel)) return;
    const cut = backend === undefined ? null : reasonToCut(tunnel, backend, place?.pod);
    if (cut !== null) this.#cut(tunnel, cut);
    // It has an end of its own, and its listener's.
    else if (tunnel.isWithPod?.()) return;
    else if (backend !== undefined && !tunnel.listener.removed) {
      standing.timer?.clear();
      standing.timer = null;
    } else
      standing.timer ??= this.clock.after(snapshot.config.shutdownTimeoutMs, () =>
        this.#cut(tunnel, REMOVED),
      );
  }

  #pause(tunnel: Tunnel, standing: Standing, pauses: boolean): void {
    if (pauses === (standing.yielding !== null)) return;
    standing.yielding?.clear();
    standing.yielding = null;
    if (pauses) {
      tunnel.pause!();
      this.#awaitAnswer(tunnel, standing, this.clock.nowMs() + YIELD_MS);
    } else tunnel.resume!();
  }

  #awaitAnswer(tunnel: Tunnel, standing: Standing, untilMs: number): void {
    const leftMs = untilMs - this.clock.nowMs();
    if (leftMs <= 0 || tunnel.answeredForMs!() >= ANSWERED_MS) this.#cut(tunnel, REPLACED);
    else
      standing.yielding = this.clock.after(Math.min(ANSWERED_MS, leftMs), () =>
        this.#awaitAnswer(tunnel, standing, untilMs),
      );
  }

  #cut(tunnel: Tunnel, cut: Cut): void {
    this.#remove(tunnel);
    tunnel.destroy(cut);
  }

  #remove(tunnel: Tunnel): void {
    const standing = this.#tunnels.get(tunnel);
    standing?.timer?.clear();
    standing?.yielding?.clear();
    this.#tunnels.delete(tunnel);
  }
}

function placesOf({ backends }: RoutingSnapshot): Map<number, Place> {
  const places = new Map<number, Place>();
  for (const [name, backend] of backends)
    for (const pod of backend.pods) places.set(pod.id, { pod, name, backend });
  return places;
}

/** Whether it may finish what it has sent, for its Pod is about to be replaced as leader. */
function yields({ onDemotion, podId, pause, resume }: Tunnel, { leadership }: BackendSnapshot): boolean {
  const canPause = pause !== undefined && resume !== undefined;
  return onDemotion === 'Close' && canPause && leadership.yielding === podId;
}

/** @param pod null where it left and is forgotten */
function reasonToCut(tunnel: Tunnel, backend: BackendSnapshot, pod: PodView | undefined): Cut | null {
  const { state, leader } = backend.leadership;
  if (yields(tunnel, backend)) return null;
  if (tunnel.isWithPod?.()) {
    const isLost = tunnel.onDemotion === 'Close' && leader !== null && leader.id !== tunnel.podId;
    return isLost && backend.leadership.silent?.includes(tunnel.podId)
      ? { end: 'demotion', detail: `it is silent, and ${leader.name} leads now` }
      : null;
  }
  if (tunnel.onDemotion === 'Close' && state !== 'unconfigured' && leader?.id !== tunnel.podId)
    return {
      end: 'demotion',
      detail: leader === null ? 'its Pod does not lead any more' : `${leader.name} leads now`,
    };
  if (pod?.lost === true) return { end: 'gone', detail: `its Pod ${pod.reason}` };
  if (tunnel.onUnready === 'Close' && pod?.state === 'unready')
    return { end: 'unready', detail: `its Pod is unready: ${pod.reason}` };
  return null;
}
