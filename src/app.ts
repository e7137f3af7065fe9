import { startAdminServer } from './admin/admin-server.ts';
import { startDebugServer } from './admin/debug-server.ts';
import { redactConfig } from './admin/redact-config.ts';
import { Reloads } from './app/reloads.ts';
import { logWarnings } from './app/warnings.ts';
import { SnapshotCell } from './boundary/snapshot-cell.ts';
import { loadConfig, type TextOrProblem } from './control/config/load.ts';
import { showConfig } from './control/config/show/show-config.ts';
import { tlsProblems } from './control/config/tls-files.ts';
import { type ConfigWatch, watchConfig } from './control/config/watching/watch.ts';
import { ControlPlane } from './control/control-plane.ts';
import { DataPlane, type Prepared } from './data/data-plane.ts';
import { describeRequest } from './data/explain/described-request.ts';
import { formatAddress } from './model/address.ts';
import type { Config, HostPort, Problem } from './model/config.ts';
import { emptySnapshot } from './model/empty.ts';
import type { RoutingSnapshot } from './model/snapshot.ts';
import type { State } from './model/state.ts';
import { allTlsOf } from './model/tls-uses.ts';
import { internalErrors } from './observe/internal-errors.ts';
import { droppedLines, type LineWriter } from './observe/line-writer.ts';
import { createLogger, type LeveledLogger } from './observe/logger.ts';
import { startLoopMonitor } from './observe/loop-monitor.ts';
import { Metrics } from './observe/metrics.ts';
import { startProcessMetrics } from './observe/process-metrics.ts';
import { renderMetrics, shared } from './observe/render.ts';
import { snapshotFamilies } from './observe/snapshot-families.ts';
import { certificateExpiry } from './observe/tls-families.ts';
import { systemClock } from './platform/clock.ts';
import { onInternalError } from './platform/guard.ts';
import { Pulse } from './platform/pulse.ts';
import { TlsClients } from './platform/tls/clients.ts';
import { version } from './platform/version.ts';
import { composeState } from './state/compose.ts';
import { nowBy } from './state/now.ts';
import { StateObserver } from './state/observer.ts';

/** The sidecar cannot start. `problems` are those of the configuration, else the message says why. */
export class StartError extends Error {
  readonly problems: readonly Problem[];

  constructor(message: string, problems: readonly Problem[] = []) {
    super(message);
    this.problems = problems;
  }
}

export interface AppOptions {
  readonly configFile: string;
  /** What was read instead of the file, which is not watched then: standard input. */
  readonly configRead?: TextOrProblem;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Readable log lines instead of JSON. */
  readonly pretty: boolean;
  /** Where log lines go. */
  readonly log: LineWriter;
  /** Somebody asked by `POST /quit`; stop as on SIGTERM. */
  onQuit(): void;
}

/** A running sidecar. */
export interface App {
  readonly admin: HostPort;
  /** null: none is configured. */
  readonly debug: HostPort | null;
  listeners(): { name: string; host: string; port: number }[];
  readonly logger: LeveledLogger;
  /** Reads the configuration again now, as on SIGHUP, and says so where nothing changed. */
  reread(): void;
  /** Stops accepting, lets what is in flight finish within `shutdown.timeout`, closes everything. */
  stop(): Promise<void>;
}

/**
 * Puts the sidecar together and starts it: the only place that knows both planes.
 * @throws StartError
 */
export async function startApp(options: AppOptions): Promise<App> {
  const loaded = loadConfig(options.configFile, options.env, options.configRead);
  if (!loaded.ok) throw new StartError('the configuration is invalid', loaded.problems);
  const problems = tlsProblems(loaded, options.configFile);
  if (problems.length > 0) throw new StartError('the files of tls cannot be used', problems);
  const app = await new RunningApp(options, loaded.config, loaded.hash).start();
  logWarnings(app.logger, loaded.warnings);
  return app;
}

class RunningApp implements App {
  readonly logger: LeveledLogger;
  admin!: HostPort;
  debug: HostPort | null = null;
  readonly #options: AppOptions;
  readonly #metrics = new Metrics();
  readonly #cell: SnapshotCell;
  readonly #control: ControlPlane;
  readonly #data: DataPlane;
  readonly #reloads: Reloads;
  readonly #tls: TlsClients;
  readonly #monitor = startLoopMonitor();
  readonly #pulse = new Pulse();
  readonly #observer: StateObserver;
  readonly #hash: string;
  readonly #endGuards: () => void;
  #servers: { close(): Promise<void> }[] = [];
  #watch: ConfigWatch | null = null;
  #stopping: Promise<void> | null = null;

  constructor(options: AppOptions, config: Config, hash: string) {
    this.#options = options;
    this.#hash = hash;
    this.logger = createLogger({
      level: config.log.level,
      pretty: options.pretty,
      write: (line) => options.log.write(line),
    });
    this.#cell = new SnapshotCell(emptySnapshot(config, hash));
    const { logger } = this;
    this.#endGuards = onInternalError(internalErrors(this.#metrics, logger));
    const followConfig = ({ config: { metrics } }: RoutingSnapshot): void => {
      this.#metrics.byPod = metrics.podLabel;
    };
    followConfig(this.#cell.current());
    // Before all that count.
    this.#cell.subscribe(followConfig);
    const { tlsReloads } = this.#metrics;
    this.#tls = new TlsClients({
      logger,
      onReload: (ok) => tlsReloads.with(ok ? 'success' : 'failure').value++,
    });
    const shared = { cell: this.#cell, metrics: this.#metrics, logger, pulse: this.#pulse, tls: this.#tls };
    this.#control = new ControlPlane(shared);
    this.#data = new DataPlane({ ...shared, accessLogger: logger.access, outcomes: this.#control });
    // After the planes: a loss of leadership reaches requests first.
    this.#observer = new StateObserver({
      cell: this.#cell,
      takeHeldPeaks: () => this.#data.takeHeldPeaks(),
      failures: this.#metrics.requestFailures,
    });
    this.#reloads = new Reloads({
      ...shared,
      file: options.configFile,
      control: this.#control,
      data: this.#data,
      stopping: () => this.#stopping !== null,
    });
  }

  listeners(): { name: string; host: string; port: number }[] {
    return this.#data.addresses();
  }

  async start(): Promise<App> {
    const { config } = this.#cell.current();
    let prepared: Prepared | null = null;
    try {
      this.#tls.use(allTlsOf(config));
      prepared = await this.#data.prepare(config.listeners);
      await this.#startServers(config);
      prepared.commit(() => this.#control.apply(config, this.#hash));
    } catch (error) {
      prepared?.abort();
      this.#control.close();
      await Promise.all(this.#servers.map((server) => server.close()));
      await this.#data.shutdown(0);
      this.#monitor.close();
      this.#observer.close();
      this.#endGuards();
      this.#pulse.close();
      this.#tls.close();
      throw new StartError(error instanceof Error ? error.message : String(error));
    }
    this.#reloads.started();
    if (this.#options.configRead === undefined) this.#watchFile();
    else this.logger.info({}, 'the configuration came from standard input: no change of it will be seen');
    const listeners = this.listeners().map(
      ({ name, host, port }) => `${name} ${formatAddress({ host, port })}`,
    );
    this.logger.info(
      {
        version,
        listeners,
        admin: formatAddress(this.admin),
        debug: this.debug === null ? null : formatAddress(this.debug),
      },
      'headroute has started',
    );
    return this;
  }

  reread(): void {
    if (this.#watch !== null) this.#watch.reread();
    else this.logger.warn({}, 'SIGHUP changes nothing: the configuration came from standard input');
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  #watchFile(): void {
    this.#watch = watchConfig(this.#options.configFile, {
      logger: this.logger,
      env: this.#options.env,
      knownHash: this.#hash,
      inForce: () => this.#cell.current().configHash,
      onChange: (result, hash) => this.#reloads.take(result, hash),
    });
  }

  async #stop(): Promise<void> {
    const { shutdownTimeoutMs } = this.#cell.current().config;
    this.logger.info(
      { timeoutMs: shutdownTimeoutMs },
      'stopping: no new connections, requests in flight finish',
    );
    this.#watch?.close();
    await this.#data.shutdown(shutdownTimeoutMs);
    this.#control.close();
    this.#monitor.close();
    this.#observer.close();
    this.#pulse.close();
    this.#tls.close();
    await Promise.all(this.#servers.map((server) => server.close()));
    this.logger.info({}, 'stopped');
    this.#endGuards();
  }

  async #startServers(config: Config): Promise<void> {
    const { logger } = this;
    const append = startProcessMetrics();
    const families = [
      ...this.#metrics.all(),
      ...this.#data.families(),
      ...snapshotFamilies(
        () => this.#cell.current(),
        version,
        (label) => this.#metrics.podLabel(label),
      ),
      droppedLines(this.#options.log),
      certificateExpiry(() => this.#cell.current(), this.#tls),
    ];
    const admin = await startAdminServer({
      address: config.admin,
      logger,
      livez: () => this.#monitor.livez(),
      readyz: () => this.#readyz(),
      metrics: shared(() => {
        this.#data.countBytes();
        const withoutLabel = this.#metrics.byPod ? null : 'pod';
        return renderMetrics(() => families, { append, withoutLabel });
      }),
    });
    this.#servers.push(admin);
    this.admin = admin.address;
    if (config.debug === null) return;
    const debug = await startDebugServer({
      address: config.debug,
      logger,
      page: () => import('./page/server-page.ts'),
      state: () => this.#state(),
      explain: (method, url, headers) => this.#explain(method, url, headers),
      config: () => showConfig(redactConfig(this.#cell.current().config)),
      drain: () => {
        logger.info({}, 'draining: new requests are answered with 503, new TCP connections refused');
        this.#data.drain();
      },
      undrain: () => this.#undrain(),
      quit: () => this.#options.onQuit(),
      forgetTerm: (backend) => this.#control.forgetTerm(backend),
      setLogLevel: (level) => logger.setLevel(level),
    });
    this.#servers.push(debug);
    this.debug = debug.address;
  }

  async #undrain(): Promise<void> {
    if (this.#stopping !== null) throw new Error('the sidecar is stopping');
    await this.#data.undrain();
  }

  #readyz(): { ok: boolean; reason: string } {
    if (this.#stopping !== null) return { ok: false, reason: 'stopping' };
    if (this.#data.isDraining) return { ok: false, reason: 'draining' };
    if (!this.#control.firstRoundDone())
      return {
        ok: false,
        reason: 'the first look-up of some backend, or the first probe of some Pod, has not ended',
      };
    return {
      ok: true,
      reason: 'configuration loaded, listeners bound, every backend looked up and its Pods probed',
    };
  }

  #state(): State {
    return composeState(
      {
        version,
        snapshot: this.#cell.current(),
        backends: this.#control.backends(),
        data: this.#data.report(),
        draining: this.#data.isDraining,
        ready: this.#readyz(),
        lastReload: this.#reloads.last,
      },
      this.#observer,
      nowBy(systemClock),
    );
  }

  #explain(method: string, url: string, headers: readonly (readonly [string, string])[]): object {
    const lines = headers.map(([name, value]) => `${name}: ${value}`);
    return this.#data.explain(describeRequest(method, url, lines));
  }
}
