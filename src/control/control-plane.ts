import { isDeepStrictEqual } from 'node:util';
import type { OutcomeSink } from '../boundary/outcome-sink.ts';
import type { SnapshotCell } from '../boundary/snapshot-cell.ts';
import type { BackendConfig, Config } from '../model/config.ts';
import type { Outcome } from '../model/outcome.ts';
import type { Metrics } from '../observe/metrics.ts';
import { type Clock, systemClock, type Timer } from '../platform/clock.ts';
import { LocalErrorLog } from '../platform/local-error.ts';
import type { Logger } from '../platform/logger.ts';
import { type Random, systemRandom } from '../platform/random.ts';
import { atOnce } from '../platform/turn.ts';
import { BackendMonitor } from './backend-monitor.ts';
import { buildSnapshot } from './build-snapshot.ts';
import { keepEqualParts } from './config/keep-equal.ts';
import { ControlLoop } from './control-loop.ts';
import { createDiscovery } from './discovery/discovery.ts';
import { watchAddresses } from './discovery/watch-addresses.ts';
import { Launcher } from './health/launcher.ts';
import { loggingLocalErrors, type RunProbe, runProbe } from './health/run-probe.ts';
import type { BackendReport } from './report.ts';

export interface ControlPlaneDeps {
  readonly cell: SnapshotCell;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly createDiscovery?: typeof createDiscovery;
  readonly watchAddresses?: typeof watchAddresses;
  readonly runProbe?: RunProbe;
}

const TICK_MS = 1000;

/** Works out the truth about every backend and publishes it (docs/adr/0001). */
export class ControlPlane implements OutcomeSink {
  readonly #deps: ControlPlaneDeps;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #launcher = new Launcher();
  readonly #loop: ControlLoop;
  #monitors = new Map<string, BackendMonitor>();
  #config: Config | null = null;
  #hash = '';
  #tick: Timer | null = null;
  readonly #localErrors: LocalErrorLog;
  #closed = false;

  constructor(deps: ControlPlaneDeps) {
    this.#deps = deps;
    this.#clock = deps.clock ?? systemClock;
    this.#localErrors = new LocalErrorLog(deps.logger, this.#clock);
    this.#random = deps.random ?? systemRandom;
    this.#loop = new ControlLoop(deps.cell, (previous) => {
      if (this.#config === null) return previous;
      const inputs = [...this.#monitors.values()].map((monitor) => monitor.input());
      return buildSnapshot(previous, this.#config, this.#hash, inputs);
    });
  }

  /**
   * Takes a configuration, at the start and at every reload. Backends that stay keep their Pods, health and leadership;
   * the snapshot with the new rules is published before this returns.
   * @throws where a backend cannot be watched at all (no nameserver); everything stays as it was then.
   */
  apply(config: Config, hash: string): void {
    const kept = atOnce(keepEqualParts(this.#config, config));
    const fresh = new Map<string, BackendMonitor>();
    try {
      for (const backend of kept.backends)
        if (!isSameService(this.#monitors.get(backend.name)?.config, backend))
          fresh.set(backend.name, new BackendMonitor(backend, this.#monitorDeps()));
    } catch (error) {
      for (const monitor of fresh.values()) monitor.close();
      throw error;
    }
    const next = new Map<string, BackendMonitor>();
    for (const backend of kept.backends)
      next.set(backend.name, fresh.get(backend.name) ?? this.#monitors.get(backend.name)!);
    for (const [name, monitor] of this.#monitors)
      if (next.get(name) !== monitor) {
        monitor.close();
        this.#dropSeries(name, next.has(name));
      }
    this.#monitors = next;
    for (const backend of kept.backends) {
      const monitor = next.get(backend.name)!;
      if (fresh.has(backend.name)) monitor.start();
      else if (monitor.config !== backend) monitor.reconfigure(backend);
    }
    this.#config = kept;
    this.#hash = hash;
    this.#loop.flush();
    if (this.#tick === null) this.#scheduleTick();
  }

  /** Whether the first look-up of every backend has ended, well or badly (`/readyz`). */
  firstRoundDone(): boolean {
    return this.#config !== null && [...this.#monitors.values()].every(({ attempted }) => attempted);
  }

  report(outcome: Outcome): void {
    if (this.#closed) return;
    try {
      for (const monitor of this.#monitors.values()) if (monitor.report(outcome)) return;
    } catch (error) {
      this.#deps.logger.error({ outcome, error: String(error) }, 'an outcome could not be taken');
    }
  }

  backends(): BackendReport[] {
    return [...this.#monitors.values()].map((monitor) => monitor.backendReport());
  }

  close(): void {
    this.#closed = true;
    this.#tick?.clear();
    this.#loop.cancel();
    for (const monitor of this.#monitors.values()) monitor.close();
  }

  #scheduleTick(): void {
    this.#tick = this.#clock.after(TICK_MS, () => {
      for (const monitor of this.#monitors.values()) monitor.tick();
      this.#scheduleTick();
    });
  }

  #monitorDeps(): ConstructorParameters<typeof BackendMonitor>[1] {
    const { metrics, logger } = this.#deps;
    const common = { clock: this.#clock, random: this.#random, metrics, logger };
    return {
      ...common,
      launcher: this.#launcher,
      runProbe: loggingLocalErrors(this.#deps.runProbe ?? runProbe, this.#localErrors),
      createDiscovery: (backend, events) =>
        (this.#deps.createDiscovery ?? createDiscovery)(backend, events, common),
      watchAddresses: (backend, service, onAddresses) =>
        (this.#deps.watchAddresses ?? watchAddresses)(backend, service, onAddresses, common),
      touch: () => {
        if (!this.#closed) this.#loop.touch();
      },
    };
  }

  /** Series of a backend that is gone must not stay. */
  #dropSeries(backend: string, replaced: boolean): void {
    const { metrics } = this.#deps;
    metrics.prunePods(backend, new Set());
    if (replaced) return;
    const gone = (labels: readonly string[]): boolean => labels[0] === backend;
    metrics.leaderChanges.remove(gone);
    metrics.leaderlessSeconds.remove(gone);
    metrics.dnsLookups.remove(gone);
    metrics.dnsLookupDuration.remove(gone);
  }
}

/** Another Service or port is another set of Pods. */
function isSameService(before: BackendConfig | undefined, after: BackendConfig): boolean {
  return (
    before !== undefined &&
    before.service === after.service &&
    before.port === after.port &&
    isDeepStrictEqual(before.discovery.statefulSet, after.discovery.statefulSet)
  );
}
