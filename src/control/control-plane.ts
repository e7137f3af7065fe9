import type { Causes } from '../boundary/causes.ts';
import type { Leases } from '../boundary/leases.ts';
import type { OutcomeSink } from '../boundary/outcome-sink.ts';
import type { SnapshotCell } from '../boundary/snapshot-cell.ts';
import type { Cause } from '../model/cause.ts';
import type { Config } from '../model/config.ts';
import type { Outcome } from '../model/outcome.ts';
import type { Metrics } from '../observe/metrics.ts';
import { tlsReports } from '../observe/tls-reports.ts';
import { type Clock, systemClock, type Timer } from '../platform/clock.ts';
import { runGuarded } from '../platform/guard.ts';
import { LocalErrorLog } from '../platform/local-error.ts';
import type { Logger } from '../platform/logger.ts';
import type { Pulse } from '../platform/pulse.ts';
import { type Random, systemRandom } from '../platform/random.ts';
import { TlsClients } from '../platform/tls/clients.ts';
import { atOnce } from '../platform/turn.ts';
import { BackendMonitor } from './backend-monitor.ts';
import { buildSnapshot } from './build-snapshot.ts';
import { keepEqualParts } from './config/watching/keep-equal.ts';
import { ControlLoop } from './control-loop.ts';
import { createDiscovery } from './discovery/discovery.ts';
import { watchAddresses } from './discovery/questions/watch-addresses.ts';
import { Launcher } from './probe/launcher.ts';
import { loggingLocalErrors, probesOver, type RunProbe } from './probe/run-probe.ts';
import type { BackendReport } from './report.ts';
import { type Succession, successions } from './succession.ts';

export interface ControlPlaneDeps {
  readonly cell: SnapshotCell;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly createDiscovery?: typeof createDiscovery;
  readonly watchAddresses?: typeof watchAddresses;
  readonly runProbe?: RunProbe;
  readonly tls?: TlsClients;
  /** Tells when this process stood still; default: nobody does. */
  readonly pulse?: Pick<Pulse, 'subscribe'>;
}

const TICK_MS = 1000;

/** A configuration that is not in force yet. Exactly one of `commit` and `abort` is called. */
export interface PreparedControl {
  /** What is new has been looked up and probed once, well or badly. Never rejects; ends when the plane is closed, too. */
  readonly warm: Promise<void>;
  /** Publishes the snapshot with the new rules before it returns. */
  commit(): void;
  abort(): void;
}

/** Works out the truth about every backend and publishes it (docs/adr/0001). */
export class ControlPlane implements OutcomeSink, Leases, Causes {
  readonly #deps: ControlPlaneDeps;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #launcher = new Launcher();
  readonly #loop: ControlLoop;
  readonly #unsubscribe: () => void;
  #monitors = new Map<string, BackendMonitor>();
  /** Not in force yet. */
  readonly #preparing = new Set<BackendMonitor>();
  #config: Config | null = null;
  #hash = '';
  #tick: Timer | null = null;
  readonly #localErrors: LocalErrorLog;
  readonly #tls: TlsClients;
  #closed = false;

  constructor(deps: ControlPlaneDeps) {
    this.#deps = deps;
    this.#clock = deps.clock ?? systemClock;
    this.#localErrors = new LocalErrorLog(deps.logger, this.#clock);
    this.#tls = deps.tls ?? new TlsClients({ logger: deps.logger });
    this.#random = deps.random ?? systemRandom;
    this.#loop = new ControlLoop(deps.cell, (previous) => {
      if (this.#config === null) return previous;
      const inputs = [...this.#monitors.values()].map((monitor) => monitor.bringUpToDate());
      return buildSnapshot(previous, this.#config, this.#hash, inputs);
    });
    deps.cell.leases = this;
    deps.cell.causes = this;
    this.#unsubscribe = deps.pulse?.subscribe((stalledMs) => this.#doubt(stalledMs)) ?? (() => {});
  }

  /** What was known before a stall is not believed before it is asked for again; in force when this returns. */
  #doubt(stalledMs: number): void {
    if (this.#closed) return;
    this.#deps.logger.warn(
      { stalledMs: Math.round(stalledMs) },
      'the process stood still; Pods are asked again before they get anything',
    );
    for (const monitor of this.#monitors.values()) monitor.doubt(stalledMs);
    this.#loop.flush();
  }

  /**
   * Prepares a configuration. Backends whose Pods stay keep all that is known of them; those that are new, or whose Service,
   * port or `statefulSet` changed, are looked up and probed already, beside the running ones (SPEC 2, Reload).
   * @throws where a backend cannot be watched at all (no nameserver); everything stays as it was then.
   */
  prepare(config: Config, hash: string): PreparedControl {
    const kept = atOnce(keepEqualParts(this.#config, config));
    const running = [...this.#monitors.values()].map((monitor) => monitor.config);
    const plan = successions(running, kept.backends);
    const fresh = new Map<string, BackendMonitor>();
    let committed = false;
    const abort = (): void => {
      // What is in force is not to be closed, whatever fails after it.
      if (committed) return;
      for (const monitor of fresh.values()) {
        monitor.close();
        this.#preparing.delete(monitor);
      }
      for (const name of fresh.keys()) if (!this.#monitors.has(name)) this.#dropSeries(name);
    };
    try {
      for (const { config: backend, from, samePods } of plan) {
        if (samePods) continue;
        const known = from === null ? null : this.#monitors.get(from)!;
        fresh.set(backend.name, new BackendMonitor(backend, this.#monitorDeps(), known));
      }
    } catch (error) {
      abort();
      throw error;
    }
    const warm = [...fresh.values()].map((monitor) => {
      this.#preparing.add(monitor);
      monitor.start();
      return new Promise<void>((resolve) => monitor.whenWarm(resolve));
    });
    return {
      warm: Promise.all(warm).then(() => {}),
      abort,
      commit: () => {
        committed = true;
        for (const monitor of fresh.values()) this.#preparing.delete(monitor);
        this.#commit(kept, hash, plan, fresh);
      },
    };
  }

  /** Takes a configuration at once; the snapshot with its rules is published before this returns. @throws as `prepare` */
  apply(config: Config, hash: string): void {
    this.prepare(config, hash).commit();
  }

  #commit(
    config: Config,
    hash: string,
    plan: readonly Succession[],
    fresh: ReadonlyMap<string, BackendMonitor>,
  ): void {
    const before = this.#monitors;
    const next = new Map<string, BackendMonitor>();
    for (const { config: backend, from } of plan) {
      const monitor = fresh.get(backend.name) ?? before.get(from!)!;
      next.set(backend.name, monitor);
      if (fresh.has(backend.name)) monitor.begin();
      else if (monitor.config !== backend) monitor.reconfigure(backend);
    }
    this.#monitors = next;
    const kept = new Set(next.values());
    for (const [name, monitor] of before) {
      if (!kept.has(monitor)) monitor.close();
      if (!next.has(name)) this.#dropSeries(name);
    }
    this.#config = config;
    this.#hash = hash;
    this.#loop.flush();
    if (this.#tick === null) this.#scheduleTick();
  }

  /** Whether every backend has been looked up once, and each Pod found then probed once, well or badly (`/readyz`). */
  firstRoundDone(): boolean {
    return this.#config !== null && [...this.#monitors.values()].every(({ attempted }) => attempted);
  }

  isOver(backend: string, podId: number, nowMs: number): boolean {
    let untilMs = this.#monitors.get(backend)?.claimedUntilMs(podId);
    // Its backend may have been renamed meanwhile.
    if (untilMs === undefined)
      for (const monitor of this.#monitors.values()) untilMs ??= monitor.claimedUntilMs(podId);
    return untilMs !== undefined && untilMs <= nowMs;
  }

  of(backend: string): readonly Cause[] {
    return this.#monitors.get(backend)?.causes() ?? [];
  }

  ofPod(backend: string, podId: number): Cause | null {
    return this.#monitors.get(backend)?.podCause(podId) ?? null;
  }

  report(outcome: Outcome): void {
    if (this.#closed) return;
    try {
      if (outcome.kind === 'held') this.#monitors.get(outcome.backend)?.held();
      else for (const monitor of this.#monitors.values()) if (monitor.report(outcome)) return;
    } catch (error) {
      this.#deps.logger.error({ outcome, error: String(error) }, 'an outcome could not be taken');
    }
  }

  /**
   * Forgets the highest term of a backend: a Pod that showed too high a one by mistake keeps all others out.
   * @returns the term, null: none was seen; undefined: there is no such backend
   */
  forgetTerm(backend: string): string | null | undefined {
    const monitor = this.#monitors.get(backend);
    if (monitor === undefined) return undefined;
    const term = monitor.forgetTerm()?.term ?? null;
    this.#deps.logger.warn({ backend, term }, 'the highest term is forgotten, as POST /terms/forget asked');
    return term;
  }

  backends(): BackendReport[] {
    return [...this.#monitors.values()].map((monitor) => {
      const report = monitor.backendReport();
      return { ...report, tls: tlsReports(monitor.config, report.pods, this.#tls) };
    });
  }

  close(): void {
    this.#closed = true;
    this.#unsubscribe();
    this.#tick?.clear();
    this.#loop.cancel();
    for (const monitor of [...this.#monitors.values(), ...this.#preparing]) monitor.close();
  }

  #scheduleTick(): void {
    this.#tick = this.#clock.after(TICK_MS, () => {
      for (const monitor of this.#monitors.values()) runGuarded('control', () => monitor.tick());
      this.#scheduleTick();
    });
  }

  #monitorDeps(): ConstructorParameters<typeof BackendMonitor>[1] {
    const { metrics, logger } = this.#deps;
    const common = {
      clock: this.#clock,
      random: this.#random,
      metrics,
      logger,
      isCounted: (name: string) =>
        this.#monitors.has(name) || [...this.#preparing].some(({ config }) => config.name === name),
    };
    return {
      ...common,
      launcher: this.#launcher,
      runProbe: loggingLocalErrors(this.#deps.runProbe ?? probesOver(this.#tls), this.#localErrors),
      createDiscovery: (backend, membership, events) =>
        (this.#deps.createDiscovery ?? createDiscovery)(backend, membership, events, common),
      watchAddresses: (backend, service, events) =>
        (this.#deps.watchAddresses ?? watchAddresses)(backend, service, events, common),
      touch: () => {
        if (!this.#closed) this.#loop.touch();
      },
    };
  }

  /** Series of a backend that is gone must not stay. */
  #dropSeries(backend: string): void {
    const { metrics } = this.#deps;
    metrics.prunePods(backend, new Set());
    const gone = (labels: readonly string[]): boolean => labels[0] === backend;
    metrics.leaderChanges.remove(gone);
    metrics.tlsFailures.remove(gone);
    metrics.leaderlessSeconds.remove(gone);
    metrics.dnsLookups.remove(gone);
    metrics.dnsLookupDuration.remove(gone);
    metrics.dnsLastSuccess.remove(gone);
  }
}
