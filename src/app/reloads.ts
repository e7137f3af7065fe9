import type { SnapshotCell } from '../boundary/snapshot-cell.ts';
import type { ParseResult } from '../control/config/parse.ts';
import { formatProblem } from '../control/config/problem.ts';
import { tlsProblems } from '../control/config/tls-files.ts';
import { keepEqualParts } from '../control/config/watching/keep-equal.ts';
import { listenerProblem, restartProblems } from '../control/config/watching/restart.ts';
import type { ControlPlane, PreparedControl } from '../control/control-plane.ts';
import type { DataPlane } from '../data/data-plane.ts';
import { UnboundListener } from '../data/listen/listener-plan.ts';
import type { Config } from '../model/config.ts';
import type { LastReload } from '../model/last-reload.ts';
import { allTlsOf } from '../model/tls-uses.ts';
import type { LeveledLogger } from '../observe/logger.ts';
import type { Metrics } from '../observe/metrics.ts';
import { systemClock } from '../platform/clock.ts';
import type { TlsClients } from '../platform/tls/clients.ts';
import { inSlices } from '../platform/turn.ts';
import { configChanges } from './config-changes.ts';
import { logWarnings } from './warnings.ts';

export interface ReloadDeps {
  /** The file's name, as problems show it. */
  readonly file: string;
  readonly cell: SnapshotCell;
  readonly control: ControlPlane;
  readonly data: DataPlane;
  readonly metrics: Metrics;
  readonly tls: TlsClients;
  readonly logger: LeveledLogger;
  /** The sidecar is stopping: nothing takes effect any more. */
  stopping(): boolean;
}

const INVALID = 'the changed configuration is invalid; the running one stays';
const IMPOSSIBLE = 'the changed configuration cannot take effect; the running one stays';

/** Puts changes of the configuration into force, all of one or nothing of it (C6), and keeps how the last one ended. */
export class Reloads {
  /** null: none since the start. */
  last: LastReload | null = null;
  readonly #deps: ReloadDeps;

  constructor(deps: ReloadDeps) {
    this.#deps = deps;
  }

  /** The configuration that the sidecar starts with is in force. */
  started(): void {
    this.#count(true);
  }

  /** Takes a changed file, right or wrong. One after another. */
  async take(result: ParseResult, hash: string): Promise<void> {
    const { cell, file, logger } = this.#deps;
    if (this.#deps.stopping()) return;
    const running = cell.current().config;
    const problems = result.ok
      ? [...restartProblems(running, result.config, file, result.places), ...tlsProblems(result, file)]
      : result.problems;
    if (!result.ok || problems.length > 0) {
      this.#refused(INVALID, problems.map(formatProblem));
      return;
    }
    const config = await inSlices(keepEqualParts(running, result.config));
    try {
      if (!(await this.#putIntoForce(config, hash))) return;
    } catch (error) {
      if (error instanceof UnboundListener) {
        const problem = listenerProblem(config, error.listener, error.message, file, result.places);
        this.#refused(error.needsRestart ? INVALID : IMPOSSIBLE, [formatProblem(problem)]);
      } else this.#refused(IMPOSSIBLE, [error instanceof Error ? error.message : String(error)]);
      return;
    }
    if (config.log.level !== running.log.level) logger.setLevel(config.log.level);
    const changes = configChanges(running, config);
    this.last = { atMs: systemClock.wallMs(), ok: true, problems: [], changes };
    this.#count(true);
    logger.info({ configHash: hash, changes }, 'the changed configuration is in force');
    logWarnings(logger, result.warnings);
  }

  /** @returns false: the sidecar is stopping. @throws where it cannot; nothing has changed then */
  async #putIntoForce(config: Config, hash: string): Promise<boolean> {
    const { control, data, tls, stopping } = this.#deps;
    let next: PreparedControl | null = null;
    try {
      next = control.prepare(config, hash);
      // The running routes serve until what is new has been looked up and probed.
      await next.warm;
      const prepared = await data.prepare(config.listeners);
      if (stopping()) {
        prepared.abort();
        next.abort();
        return false;
      }
      prepared.commit(() => next!.commit());
      tls.use(allTlsOf(config));
      return true;
    } catch (error) {
      next?.abort();
      throw error;
    }
  }

  #refused(message: string, problems: readonly string[]): void {
    this.last = { atMs: systemClock.wallMs(), ok: false, problems, changes: [] };
    this.#count(false);
    this.#deps.logger.warn({ problems }, message);
  }

  #count(ok: boolean): void {
    const { reloads, lastReloadSuccessful, lastReloadSuccessTimestamp } = this.#deps.metrics;
    reloads.with(ok ? 'success' : 'failure').value++;
    lastReloadSuccessful.with().value = ok ? 1 : 0;
    if (ok) lastReloadSuccessTimestamp.with().value = systemClock.wallMs() / 1000;
  }
}
