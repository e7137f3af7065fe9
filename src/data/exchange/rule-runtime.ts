import type { RuleConfig } from '../../model/config.ts';
import type { FailureLabel } from '../../model/failure.ts';
import type { Metrics } from '../../observe/metrics.ts';
import type { Cell, HistogramCell } from '../../observe/primitives.ts';
import { RetryBudget } from '../forward/retry-budget.ts';
import type { Picker } from '../pick/contract.ts';
import { pickerFor } from '../pick/registry.ts';

/** The cells of one rule and one backend, bound once: the hot path only increments. */
export class RuleBackendCells {
  readonly duration: HistogramCell;
  readonly #codes: (Cell | undefined)[] = [];
  readonly #metrics: Metrics;
  readonly #rule: string;
  readonly #backend: string;

  constructor(metrics: Metrics, rule: string, backend: string) {
    this.#metrics = metrics;
    this.#rule = rule;
    this.#backend = backend;
    this.duration = metrics.requestDuration.with(rule, backend);
  }

  answered(status: number, durationMs: number): void {
    const code = status >= 100 && status <= 599 ? status : 0;
    const cell = this.#codes[code] ?? this.#bind(code);
    cell.value++;
    this.#metrics.requestDuration.observe(this.duration, durationMs / 1000);
  }

  #bind(code: number): Cell {
    const cell = this.#metrics.requests.with(this.#rule, this.#backend, code === 0 ? 'other' : String(code));
    this.#codes[code] = cell;
    return cell;
  }
}

/** What a rule carries from request to request. */
export class RuleRuntime {
  readonly picker: Picker;
  readonly inFlight: Cell;
  readonly budget: RetryBudget | null;
  #turn = 0;
  readonly #backends = new Map<string, RuleBackendCells>();
  readonly #metrics: Metrics;
  readonly #name: string;

  constructor(rule: RuleConfig, metrics: Metrics) {
    this.picker = pickerFor(rule.selection);
    this.inFlight = metrics.requestsInFlight.with(rule.name);
    this.budget = rule.retry.budget === null ? null : new RetryBudget(rule.retry.budget);
    this.#metrics = metrics;
    this.#name = rule.name;
    for (const { name } of rule.backendRefs) this.cells(name);
  }

  cells(backend: string): RuleBackendCells {
    let cells = this.#backends.get(backend);
    if (cells === undefined) {
      cells = new RuleBackendCells(this.#metrics, this.#name, backend);
      this.#backends.set(backend, cells);
    }
    return cells;
  }

  nextTurn(): number {
    return this.#turn++;
  }

  failed(failure: FailureLabel): void {
    this.#metrics.requestFailures.with(this.#name, failure).value++;
  }

  retried(reason: string): void {
    this.#metrics.retries.with(this.#name, reason).value++;
  }
}

/** The runtime of each rule, kept as long as the rule is the same value. */
export class RuleRuntimes {
  readonly #runtimes = new WeakMap<RuleConfig, RuleRuntime>();
  readonly #metrics: Metrics;

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
  }

  of(rule: RuleConfig): RuleRuntime {
    let runtime = this.#runtimes.get(rule);
    if (runtime === undefined) {
      runtime = new RuleRuntime(rule, this.#metrics);
      this.#runtimes.set(rule, runtime);
    }
    return runtime;
  }
}
