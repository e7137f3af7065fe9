import type { ListenerConfig, RuleConfig } from '../../model/config.ts';
import type { FailureLabel } from '../../model/failure.ts';
import type { Metrics } from '../../observe/metrics.ts';
import type { Cell, HistogramCell } from '../../observe/primitives.ts';
import { failuresOf, retryReasonsOf, USUAL_CODES } from './possible.ts';

/** The cells of one rule and one backend, bound once: the hot path only increments. */
export class RuleBackendCells {
  readonly backend: string;
  /** Requests that will count here. */
  open = 0;
  readonly #duration: HistogramCell;
  readonly #codes: (Cell | undefined)[] = [];
  readonly #metrics: Metrics;
  readonly #rule: string;
  /** Of the rule, over all its backends. */
  readonly #inFlight: Cell;

  constructor(metrics: Metrics, rule: string, backend: string, inFlight: Cell) {
    this.#inFlight = inFlight;
    this.#metrics = metrics;
    this.#rule = rule;
    this.backend = backend;
    this.#duration = metrics.requestDuration.with(rule, backend);
  }

  answered(status: number, durationMs: number): void {
    const code = status >= 100 && status <= 599 ? status : 0;
    const cell = this.#codes[code] ?? this.#bind(code);
    cell.value++;
    this.#metrics.requestDuration.observe(this.#duration, durationMs / 1000);
  }

  /** The request counts here no more. */
  leave(): void {
    this.open--;
    this.#inFlight.value--;
  }

  #bind(code: number): Cell {
    const cell = this.#metrics.requests.with(this.#rule, this.backend, code === 0 ? 'other' : String(code));
    this.#codes[code] = cell;
    return cell;
  }
}

/**
 * The series of all rules of one name, whatever else a reload changes about them. They are dropped when no rule has the name any
 * more and nothing counts in them, so that no cell is held that a scrape does not show.
 */
export class RuleSeries {
  /** They are out of the families: a new request must not count here. */
  dropped = false;
  /** What counts here without being a request: TCP connections that have no Pod yet. */
  connecting = 0;
  /** No rule in force has the name, or some backend here, but something still counts. */
  leaving = false;
  readonly #inFlight: Cell;
  readonly #backends = new Map<string, RuleBackendCells>();
  readonly #metrics: Metrics;
  readonly #name: string;

  constructor(metrics: Metrics, name: string) {
    this.#metrics = metrics;
    this.#name = name;
    this.#inFlight = metrics.requestsInFlight.with(name);
  }

  has(backend: string): boolean {
    return this.#backends.has(backend);
  }

  of(backend: string): RuleBackendCells {
    let cells = this.#backends.get(backend);
    if (cells === undefined) {
      cells = new RuleBackendCells(this.#metrics, this.#name, backend, this.#inFlight);
      this.#backends.set(backend, cells);
    }
    return cells;
  }

  enter(backend: string): RuleBackendCells {
    const cells = this.of(backend);
    cells.open++;
    this.#inFlight.value++;
    return cells;
  }

  failed(failure: FailureLabel): void {
    this.#metrics.requestFailures.with(this.#name, failure).value++;
  }

  retried(reason: string): void {
    this.#metrics.retries.with(this.#name, reason).value++;
  }

  /** What can be counted of a rule of this name exists from 0 on. */
  show(rule: RuleConfig, protocol: ListenerConfig['protocol']): void {
    const { requests, requestFailures, retries, retryBudgetExhausted } = this.#metrics;
    for (const failure of failuresOf(rule, protocol)) requestFailures.with(this.#name, failure);
    for (const reason of retryReasonsOf(rule, protocol)) retries.with(this.#name, reason);
    if (rule.retry.budget !== null) retryBudgetExhausted.with(this.#name);
    if (protocol === 'TCP') return;
    for (const { name } of rule.backendRefs) {
      this.of(name);
      for (const code of USUAL_CODES) requests.with(this.#name, name, code);
    }
  }

  budgetExhausted(): void {
    this.#metrics.retryBudgetExhausted.with(this.#name).value++;
  }

  /**
   * Lets go of what no rule in force counts in any more.
   * @param inForce the backends of the rules of this name; null: there is none
   * @returns false: nothing counts here either, it is dropped
   */
  retain(inForce: ReadonlySet<string> | null): boolean {
    this.leaving = inForce === null;
    for (const [name, { open }] of this.#backends) {
      if (inForce?.has(name)) continue;
      if (open > 0) this.leaving = true;
      else this.#backends.delete(name);
    }
    this.dropped = inForce === null && this.#backends.size === 0 && this.connecting === 0;
    return !this.dropped;
  }
}
