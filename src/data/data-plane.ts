import { randomBytes } from 'node:crypto';
import type { OutcomeSink } from '../boundary/outcome-sink.ts';
import type { SnapshotCell } from '../boundary/snapshot-cell.ts';
import type { ListenerConfig, RuleConfig } from '../model/config.ts';
import type { RoutingSnapshot } from '../model/snapshot.ts';
import { AccessLog } from '../observe/access-log.ts';
import type { Metrics } from '../observe/metrics.ts';
import { systemClock } from '../platform/clock.ts';
import { LocalErrorLog } from '../platform/local-error.ts';
import type { Logger } from '../platform/logger.ts';
import { PeerWatch } from '../platform/peer-watch.ts';
import { type Random, systemRandom } from '../platform/random.ts';
import { inSlices } from '../platform/turn.ts';
import { TurnEnd } from '../platform/turn-end.ts';
import { WorkSlices } from '../platform/work-slices.ts';
import type { HttpDeps } from './exchange/http-deps.ts';
import { RuleRuntimes } from './exchange/rule-runtime.ts';
import type { TcpDeps } from './exchange/tcp-deps.ts';
import { HoldQueue } from './forward/hold-queue.ts';
import { type TunnelCount, TunnelRegistry } from './forward/tunnel-registry.ts';
import { UpstreamPools } from './forward/upstream-pools.ts';
import { Admission, SHED_AFTER_MS } from './listen/admission.ts';
import { Listener, type ListenerDeps } from './listen/listener.ts';
import { compileConditions } from './match/conditions.ts';

/** How often deadlines are looked at: one sweep over all connections instead of a timer for each request. */
const SWEEP_MS = 50;

export interface DataPlaneDeps {
  readonly cell: SnapshotCell;
  readonly outcomes: OutcomeSink;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly random?: Random;
  /** The name in `Via`; default: one of this process's own, so that two sidecars in a row are no loop. */
  readonly proxyName?: string;
}

/** Listeners that are bound but not in force yet. */
export interface Prepared {
  /** New listeners accept, removed ones stop and drain. */
  commit(): void;
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
  readonly #queues = new Map<string, HoldQueue>();
  readonly #listeners = new Map<string, Listener>();
  /** Removed by a reload; their connections are finishing. */
  readonly #draining = new Set<Listener>();
  readonly #sweep: NodeJS.Timeout;
  readonly #unsubscribe: () => void;
  #isDraining = false;

  constructor(deps: DataPlaneDeps) {
    const { cell, outcomes, metrics, logger } = deps;
    this.#cell = cell;
    const random = deps.random ?? systemRandom;
    this.#tunnels = new TunnelRegistry(cell);
    const localErrors = new LocalErrorLog(logger);
    const turn = new TurnEnd();
    this.#pools = new UpstreamPools(cell, { metrics, outcomes, logger, localErrors, turn });
    this.#accessLog = new AccessLog(logger, cell.current().config.log.access);
    const rules = new RuleRuntimes(metrics);
    const holdQueue = (backend: string): HoldQueue => {
      let queue = this.#queues.get(backend);
      if (queue === undefined) {
        queue = new HoldQueue(backend, metrics);
        this.#queues.set(backend, queue);
      }
      return queue;
    };
    const shared = {
      cell,
      outcomes,
      metrics,
      logger,
      localErrors,
      random,
      tunnels: this.#tunnels,
      holdQueue,
    };
    const peers = new PeerWatch();
    const admission = new Admission(turn, (overloaded) => tellOverload(logger, overloaded));
    const http: HttpDeps = {
      ...shared,
      pools: this.#pools,
      rules,
      hopName: deps.proxyName ?? `headroute-${randomBytes(5).toString('hex')}`,
      draining: () => this.#isDraining,
      accessLog: this.#accessLog,
      peers,
      slices: new WorkSlices(),
    };
    const pools = this.#pools;
    const tcp: TcpDeps = {
      ...shared,
      clock: systemClock,
      peers,
      get selfPodName() {
        return cell.current().config.selfPodName;
      },
      nextTurn: (rule: RuleConfig) => rules.of(rule).nextTurn(),
      inFlight: (podId) => pools.inFlight(podId),
      begin: (backend, podId) => {
        const pod = cell
          .current()
          .backends.get(backend)
          ?.pods.find(({ id }) => id === podId);
        (pod === undefined ? pools.find(podId) : pools.of(backend, pod))?.begin();
      },
      end: (podId) => pools.find(podId)?.end(),
    };
    this.#deps = { http, tcp, admission };
    this.#unsubscribe = cell.subscribe((next, previous) => this.#follow(next, previous));
    this.#sweep = setInterval(() => this.#tick(), SWEEP_MS);
    this.#sweep.unref();
  }

  /**
   * Compiles what their rules look at, and binds the addresses that are new, all or none (C6). A listener whose name, address and protocol stay goes on; one that
   * takes the address of another takes over its socket.
   * @throws Error of `bind`
   */
  async prepare(configs: readonly ListenerConfig[]): Promise<Prepared> {
    const fresh: Listener[] = [];
    const abort = (): void => {
      for (const listener of fresh) listener.destroy();
    };
    try {
      await inSlices(compileConditions(configs));
      for (const config of configs)
        if (!this.#keeps(config) && this.#holderOf(config) === undefined)
          fresh.push(await Listener.bind(config, this.#deps));
    } catch (error) {
      abort();
      throw error;
    }
    return { abort, commit: () => this.#commit(configs, fresh) };
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
    this.#tunnels.close('the sidecar shuts down');
    await Promise.all(listeners.map((listener) => listener.drained(100)));
    clearInterval(this.#sweep);
    this.#unsubscribe();
    this.#pools.close();
    this.#listeners.clear();
    this.#draining.clear();
  }

  /** Requests and tunnels that are with a Pod now. */
  inFlight(podId: number): number {
    return this.#pools.inFlight(podId);
  }

  /** What `/state` shows of the data plane. */
  report(): {
    listeners: { name: string; port: number; connections: number; draining: boolean }[];
    tunnels: TunnelCount[];
    held: Record<string, number>;
  } {
    const show = (listener: Listener, draining: boolean) => ({
      name: listener.config.name,
      port: listener.port,
      connections: listener.connections,
      draining,
    });
    return {
      listeners: [
        ...[...this.#listeners.values()].map((listener) => show(listener, false)),
        ...[...this.#draining].map((listener) => show(listener, true)),
      ],
      tunnels: this.#tunnels.counts(),
      held: Object.fromEntries([...this.#queues].map(([name, queue]) => [name, queue.size])),
    };
  }

  #keeps(config: ListenerConfig): boolean {
    const running = this.#listeners.get(config.name)?.config;
    return running !== undefined && running.protocol === config.protocol && isSameAddress(running, config);
  }

  /** The listener that has this address now. Port 0 asks for one of its own. */
  #holderOf(config: ListenerConfig): Listener | undefined {
    if (config.address.port === 0) return undefined;
    return [...this.#listeners.values()].find((listener) => isSameAddress(listener.config, config));
  }

  #commit(configs: readonly ListenerConfig[], fresh: readonly Listener[]): void {
    const kept = new Set(configs.filter((config) => this.#keeps(config)).map(({ name }) => name));
    const heirs: Listener[] = [];
    for (const config of configs) {
      const holder = kept.has(config.name) ? undefined : this.#holderOf(config);
      if (holder !== undefined) heirs.push(new Listener(config, this.#deps, holder.release()));
    }
    for (const [name, listener] of this.#listeners) {
      if (kept.has(name)) continue;
      this.#listeners.delete(name);
      this.#retire(listener);
    }
    for (const config of configs) {
      const listener = this.#listeners.get(config.name);
      if (listener !== undefined) listener.config = config;
    }
    for (const listener of [...fresh, ...heirs]) {
      this.#listeners.set(listener.config.name, listener);
      if (this.#isDraining && listener.config.protocol === 'TCP') listener.refuse();
      listener.accept();
    }
  }

  #retire(listener: Listener): void {
    this.#draining.add(listener);
    listener.stop();
    void listener.drained(this.#cell.current().config.shutdownTimeoutMs).then(() => {
      listener.destroy();
      this.#draining.delete(listener);
    });
  }

  #follow(next: RoutingSnapshot, previous: RoutingSnapshot): void {
    this.#accessLog.enabled = next.config.log.access;
    for (const [name, queue] of this.#queues)
      if (queue.size > 0 && next.backends.get(name) !== previous.backends.get(name)) queue.wake();
  }

  #tick(): void {
    const nowMs = performance.now();
    for (const listener of this.#listeners.values()) listener.tick(nowMs);
    for (const listener of this.#draining) listener.tick(nowMs);
    this.#pools.closeIdle(nowMs);
  }
}

function tellOverload(logger: Logger, overloaded: boolean): void {
  if (overloaded)
    logger.warn({ waitMs: SHED_AFTER_MS }, 'overloaded: requests that waited longer are refused');
  else logger.info({}, 'no longer overloaded');
}

function isSameAddress(a: ListenerConfig, b: ListenerConfig): boolean {
  return a.address.host === b.address.host && a.address.port === b.address.port;
}
