import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import type { OutcomeSink } from '../boundary/outcome-sink.ts';
import type { SnapshotCell } from '../boundary/snapshot-cell.ts';
import type { ListenerConfig } from '../model/config.ts';
import type { Explanation } from '../model/explanation.ts';
import type { RoutingSnapshot } from '../model/snapshot.ts';
import { AccessLog } from '../observe/access-log.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { FamilyLike } from '../observe/render.ts';
import { every, monotonicMs, systemClock, type Timer } from '../platform/clock.ts';
import { systemDialer } from '../platform/dialer.ts';
import { crashed, guarded } from '../platform/guard.ts';
import { LocalErrorLog } from '../platform/local-error.ts';
import type { Logger } from '../platform/logger.ts';
import { PeerWatch } from '../platform/peer-watch.ts';
import type { Pulse } from '../platform/pulse.ts';
import { type Random, systemRandom } from '../platform/random.ts';
import { resetFor } from '../platform/reset.ts';
import { TlsClients } from '../platform/tls/clients.ts';
import { inSlices } from '../platform/turn.ts';
import { TurnEnd } from '../platform/turn-end.ts';
import { VanishedPeers, vanished } from '../platform/vanished-peers.ts';
import { WorkSlices } from '../platform/work-slices.ts';
import { boundFamilies } from './bound-families.ts';
import { ConnectionLog } from './exchange/connection-log.ts';
import { ConnectionMetrics } from './exchange/connection-metrics.ts';
import { Observers, RequestMetrics } from './exchange/observers.ts';
import { RequestLog } from './exchange/request-log.ts';
import { trimSpareBlocks } from './exchange/spare-blocks.ts';
import type { DescribedRequest } from './explain/described-request.ts';
import { explainRequest } from './explain/explain.ts';
import type { Present } from './explain/present.ts';
import { H1Upstreams } from './forward/h1-upstreams.ts';
import { TcpUpstreams } from './forward/tcp-upstreams.ts';
import { type TunnelCount, TunnelRegistry } from './forward/tunnel-registry.ts';
import { SocketTunnels } from './forward/tunnels.ts';
import { UpstreamPools } from './forward/upstream-pools.ts';
import { Admission, SHED_AFTER_MS } from './listen/admission.ts';
import type { HttpListenDeps, ListenerDeps, TcpListenDeps } from './listen/listen-deps.ts';
import { Listener } from './listen/listener.ts';
import { type ListenerPlan, planListeners } from './listen/listener-plan.ts';
import { compileConditions } from './match/conditions.ts';
import { HoldQueues } from './placement/hold-queues.ts';
import { HoldSummary } from './placement/hold-summary.ts';
import { RuleRuntimes } from './placement/rule-runtime.ts';
import { RenamedBackends } from './renamed-backends.ts';

/** How often deadlines are looked at: one sweep over all connections instead of a timer for each request. */
const SWEEP_MS = 50;
/** Least time between two looks at which series can be dropped. */
const DROP_SERIES_MS = 500;

export interface DataPlaneDeps {
  readonly cell: SnapshotCell;
  readonly outcomes: OutcomeSink;
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** Writes the access log, whatever the level is. */
  readonly accessLogger: Pick<Logger, 'info'>;
  readonly random?: Random;
  /** Tells when this process stood still; default: nobody does. */
  readonly pulse?: Pick<Pulse, 'check'>;
  readonly tls?: TlsClients;
  /** The name in `Via`; default: one of this process's own, so that two sidecars in a row are no loop. */
  readonly proxyName?: string;
}

/** Listeners that are bound but not in force yet. */
export interface Prepared {
  /**
   * Runs `publish`, which publishes the snapshot with these listeners, and in the same turn lets new listeners accept and removed
   * ones drain: no connection meets a listener without its rules.
   * @throws what `publish` throws; then nothing has changed and the newly bound addresses are given up
   */
  commit(publish: () => void): void;
  /** Gives the newly bound addresses up again. */
  abort(): void;
}

/** Accepts connections and routes what comes by the present snapshot. */
export class DataPlane {
  readonly #cell: SnapshotCell;
  readonly #deps: ListenerDeps;
  readonly #pools: UpstreamPools;
  readonly #tunnels: TunnelRegistry;
  readonly #accessLog: AccessLog;
  readonly #queues: HoldQueues;
  readonly #holdSummary: HoldSummary;
  readonly #rules: RuleRuntimes;
  readonly #renamed = new RenamedBackends();
  /** By name. */
  #listeners: ReadonlyMap<string, Listener> = new Map();
  /** Removed by a reload; their connections are finishing. */
  readonly #draining = new Set<Listener>();
  readonly #sweep: Timer;
  readonly #vanished: VanishedPeers;
  readonly #unsubscribe: (() => void)[] = [];
  #isDraining = false;
  /** What has come into force has series that are not there yet. */
  #seriesDue = true;
  #makingSeries = false;
  /** Something that series tell of has gone, or still goes. */
  #seriesMayLeave = false;
  #dropSeriesAtMs = 0;

  constructor(deps: DataPlaneDeps) {
    const { cell, outcomes, metrics, logger } = deps;
    this.#cell = cell;
    const random = deps.random ?? systemRandom;
    // Before all that look at the listeners.
    this.#unsubscribe.push(cell.subscribe((next) => this.#giveRoutes(this.#listeners, next)));
    this.#tunnels = new TunnelRegistry(cell);
    const localErrors = new LocalErrorLog(logger);
    const turn = new TurnEnd();
    const tls = deps.tls ?? new TlsClients({ logger });
    this.#pools = new UpstreamPools(cell, {
      metrics,
      outcomes,
      logger,
      localErrors,
      turn,
      dialer: systemDialer,
    });
    this.#accessLog = new AccessLog(deps.accessLogger, cell.current().config.log.access);
    this.#rules = new RuleRuntimes(metrics);
    this.#holdSummary = new HoldSummary({
      logger,
      clock: systemClock,
      waiting: (backend) => this.#queues.waiting(backend),
    });
    const reports = { began: (backend: string) => outcomes.report({ kind: 'held', backend }), ended() {} };
    this.#queues = new HoldQueues(metrics, [reports, this.#holdSummary]);
    const shared = {
      cell,
      outcomes,
      metrics,
      logger,
      localErrors,
      random,
      clock: systemClock,
      peers: new PeerWatch(),
      pulse: deps.pulse ?? { check() {} },
      tunnels: new SocketTunnels(this.#tunnels, { cell, outcomes }),
      rules: this.#rules,
      renamed: this.#renamed,
      holdQueue: (backend: string) => this.#queues.of(backend),
      connections: [new ConnectionMetrics(metrics), new ConnectionLog(this.#accessLog)],
    };
    const admission = new Admission(turn, (overloaded) => tellOverload(logger, overloaded));
    const hopName = deps.proxyName ?? `headroute-${randomBytes(5).toString('hex')}`;
    const http: HttpListenDeps = {
      ...shared,
      upstreams: new H1Upstreams(this.#pools, tls, hopName),
      observer: new Observers([new RequestMetrics(), new RequestLog(this.#accessLog)]),
      hopName,
      draining: () => this.#isDraining,
      accessLog: this.#accessLog,
      slices: new WorkSlices(),
    };
    const tcp: TcpListenDeps = { ...shared, upstreams: new TcpUpstreams(this.#pools, tls, systemDialer) };
    this.#deps = { http, tcp, admission, turn };
    this.#unsubscribe.push(cell.subscribe((next, previous) => this.#follow(next, previous)));
    this.#vanished = new VanishedPeers(
      () => this.#openSockets(),
      (socket) => {
        logger.info({ address: socket.remoteAddress, port: socket.remotePort }, 'a peer has vanished');
        resetFor(socket, vanished());
      },
    );
    this.#sweep = every(SWEEP_MS, () => this.#tick());
  }

  /** Compiles what their rules look at, and binds the addresses that are new. @throws as `planListeners` */
  async prepare(configs: readonly ListenerConfig[]): Promise<Prepared> {
    await inSlices(compileConditions(configs));
    const plan = await planListeners([...this.#listeners.values()], configs, this.#deps);
    const abort = (): void => {
      for (const listener of plan.fresh) listener.destroy();
    };
    const commit = (publish: () => void): void => {
      try {
        this.#commit(plan, publish);
      } catch (error) {
        abort();
        throw error;
      }
    };
    return { abort, commit };
  }

  addresses(): { name: string; host: string; port: number }[] {
    return [...this.#listeners.values()].map(({ config, port }) => ({
      name: config.name,
      host: config.address.host,
      port,
    }));
  }

  /** New requests are answered with 503 `draining`, new TCP connections refused; the process stays (POST /drain). */
  drain(): void {
    this.#isDraining = true;
    for (const listener of this.#listeners.values())
      if (listener.config.protocol === 'TCP') listener.refuse();
  }

  /** Takes back `drain`; a `drain` meanwhile wins. @throws Error of `bind`: it drains on, for another process has the address of a TCP listener */
  async undrain(): Promise<void> {
    this.#isDraining = false;
    try {
      for (const listener of this.#listeners.values()) await listener.admit();
    } catch (error) {
      this.drain();
      throw error;
    }
    if (this.#isDraining) this.drain();
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** Stops accepting, lets what is in flight finish until `timeoutMs`, cuts the rest. */
  async shutdown(timeoutMs: number): Promise<void> {
    const listeners = [...this.#listeners.values(), ...this.#draining];
    for (const listener of listeners) listener.stop();
    await Promise.all(listeners.map((listener) => listener.drained(timeoutMs)));
    for (const listener of listeners) listener.destroy();
    this.#tunnels.close();
    await Promise.all(listeners.map((listener) => listener.drained(100)));
    this.#sweep.clear();
    this.#vanished.close();
    this.#holdSummary.close();
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    this.#pools.close();
    this.#listeners = new Map();
    this.#draining.clear();
  }

  /** What would happen to a request now. Nothing is moved by it. */
  explain(request: DescribedRequest): Explanation {
    return explainRequest(this.#present(), request);
  }

  #present(): Present {
    const { hopName, draining, random } = this.#deps.http;
    const snapshot = this.#cell.current();
    const limitsOf = (name: string) => this.#listeners.get(name)!.config.limits;
    const { causes } = this.#cell;
    return {
      snapshot,
      nowMs: () => systemClock.nowMs(),
      causesOf: (backend) => causes.of(backend),
      causeOfPod: (backend, podId) => causes.ofPod(backend, podId),
      hopName,
      draining,
      random,
      selfPodName: snapshot.config.selfPodName,
      addresses: [...this.#listeners.values()].map(({ config, host, port }) => ({
        name: config.name,
        host,
        port,
      })),
      inFlight: (podId) => this.#pools.inFlight(podId),
      peekTurn: (rule) => this.#rules.peekTurn(rule),
      canHold: (backend, rule, limits) => this.#queues.hasRoom(backend, rule, limits),
      hasFanOutRoom: (name) => this.#listeners.get(name)!.fanOutMemory.hasRoom(limitsOf(name).fanOutBytes),
      mayConnect: (name) => this.#listeners.get(name)!.connections < limitsOf(name).connections,
    };
  }

  /** What is worked out at a scrape. */
  families(): readonly FamilyLike[] {
    return boundFamilies({
      snapshot: () => this.#cell.current(),
      held: (backend, rule) => this.#queues.usageOf(backend, rule),
      fanOutBytes: (listener) => this.#listeners.get(listener)?.fanOutMemory.bytes ?? 0,
      inFlight: (podId) => this.#pools.inFlight(podId),
    });
  }

  /** Counts what has passed so far of connections that are open. */
  countBytes(): void {
    this.#tunnels.countBytes();
  }

  /** What `/state` shows of the data plane. */
  report(): {
    listeners: { name: string; port: number; connections: number; fanOutBytes: number; draining: boolean }[];
    tunnels: TunnelCount[];
    held: Record<string, number>;
    longestHeldMs: Record<string, number>;
  } {
    const show = (listener: Listener, draining: boolean) => ({
      name: listener.config.name,
      port: listener.port,
      connections: listener.connections,
      fanOutBytes: listener.fanOutMemory.bytes,
      draining,
    });
    return {
      listeners: [
        ...[...this.#listeners.values()].map((listener) => show(listener, false)),
        ...[...this.#draining].map((listener) => show(listener, true)),
      ],
      tunnels: this.#tunnels.counts(),
      held: this.#queues.sizes(),
      longestHeldMs: this.#queues.longestMs(),
    };
  }

  /** Most that waited at a time since this was asked last, by backend. */
  takeHeldPeaks(): Map<string, number> {
    return this.#queues.takePeaks();
  }

  #commit({ listeners: planned, fresh, heirs }: ListenerPlan, publish: () => void): void {
    const before = this.#listeners;
    const listeners = new Map(planned);
    const staying = new Set(listeners.values());
    const removed = [...before.values()].filter((listener) => !staying.has(listener));
    // In force while the snapshot is published: what it wakes finds its listener's new rules.
    this.#listeners = listeners;
    for (const listener of removed) listener.removed = true;
    try {
      publish();
    } catch (error) {
      this.#listeners = before;
      for (const listener of removed) listener.removed = false;
      throw error;
    }
    const inherited = heirs.map(({ config, holder }) => new Listener(config, this.#deps, holder.release()));
    for (const listener of inherited) listeners.set(listener.config.name, listener);
    for (const listener of removed) this.#retire(listener);
    this.#giveRoutes(listeners, this.#cell.current());
    for (const listener of [...fresh, ...inherited]) {
      if (this.#isDraining && listener.config.protocol === 'TCP') listener.refuse();
      listener.accept();
    }
    this.#seriesMayLeave = true;
  }

  #giveRoutes(listeners: ReadonlyMap<string, Listener>, { listeners: snapshots }: RoutingSnapshot): void {
    for (const snapshot of snapshots) listeners.get(snapshot.config.name)?.follow(snapshot);
  }

  #retire(listener: Listener): void {
    this.#draining.add(listener);
    listener.retire();
    const over = guarded('client', () => {
      this.#draining.delete(listener);
      this.#seriesMayLeave = true;
      listener.destroy();
    });
    void listener.drained(this.#cell.current().config.shutdownTimeoutMs).then(over);
  }

  #follow(next: RoutingSnapshot, previous: RoutingSnapshot): void {
    this.#accessLog.mode = next.config.log.access;
    this.#renamed.follow(next, previous);
    this.#queues.follow(next, previous);
    this.#seriesMayLeave ||= next.listeners !== previous.listeners || lacks(next, previous);
    this.#seriesDue ||=
      next.listeners !== previous.listeners || next.config !== previous.config || lacks(previous, next);
  }

  /** In slices, and once for all that changes meanwhile. */
  async #showSeries(): Promise<void> {
    if (this.#makingSeries) return;
    this.#makingSeries = true;
    try {
      this.#seriesDue = false;
      const snapshot = this.#cell.current();
      this.#queues.show(snapshot.listeners);
      await inSlices(this.#rules.show(snapshot.listeners));
      await inSlices(this.#pools.show(snapshot));
      // What has gone meanwhile has series again.
      this.#seriesMayLeave ||= snapshot !== this.#cell.current();
    } finally {
      this.#makingSeries = false;
    }
  }

  /**
   * Drops the series of what is gone, once the last that counted there has ended; looked after until then. Away from the moment of
   * a reload: with 1,000 Pods and rules it takes some ms.
   */
  #dropSeries(nowMs: number): void {
    this.#dropSeriesAtMs = nowMs + DROP_SERIES_MS;
    const snapshot = this.#cell.current();
    const pools = this.#pools.dropSeries(snapshot);
    const rules = this.#rules.dropSeries(snapshot);
    const queues = this.#queues.dropSeries(snapshot);
    const names = new Set<string>();
    for (const { config } of [...this.#listeners.values(), ...this.#draining]) names.add(config.name);
    const { connections, connectionsAccepted, connectionsClosed, acceptDelay, bytes } =
      this.#deps.http.metrics;
    for (const family of [connections, connectionsAccepted, connectionsClosed, acceptDelay, bytes])
      family.remove(([listener]) => !names.has(listener!));
    this.#seriesMayLeave = pools || rules || queues || this.#draining.size > 0;
  }

  /** On both sides. */
  *#openSockets(): Generator<Socket> {
    for (const listener of this.#listeners.values()) yield* listener.sockets;
    for (const listener of this.#draining) yield* listener.sockets;
    yield* this.#pools.sockets();
    yield* this.#tunnels.sockets();
  }

  #tick(): void {
    const nowMs = monotonicMs();
    for (const listener of this.#listeners.values()) listener.tick(nowMs);
    for (const listener of this.#draining) listener.tick(nowMs);
    this.#pools.closeIdle(nowMs);
    if (this.#seriesDue) void this.#showSeries().catch((error: unknown) => crashed('timer', error));
    if (this.#seriesMayLeave && nowMs >= this.#dropSeriesAtMs) this.#dropSeries(nowMs);
    trimSpareBlocks(nowMs);
  }
}

function tellOverload(logger: Logger, overloaded: boolean): void {
  if (overloaded)
    logger.warn({ waitMs: SHED_AFTER_MS }, 'overloaded: requests that waited longer are refused');
  else logger.info({}, 'no longer overloaded');
}

/** Whether a backend or a Pod of the other is not in it, or has another name there. */
function lacks({ backends }: RoutingSnapshot, other: RoutingSnapshot): boolean {
  for (const [name, theirs] of other.backends) {
    const backend = backends.get(name);
    if (backend === theirs) continue;
    if (backend === undefined) return true;
    const labels = new Map(backend.pods.map(({ id, label }) => [id, label]));
    if (theirs.pods.some(({ id, label }) => labels.get(id) !== label)) return true;
  }
  return false;
}
