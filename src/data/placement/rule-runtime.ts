import type { RuleConfig } from '../../model/config.ts';
import type { FailureLabel } from '../../model/failure.ts';
import type { ListenerSnapshot, RoutingSnapshot } from '../../model/snapshot.ts';
import type { Metrics } from '../../observe/metrics.ts';
import type { Picker } from '../pick/contract.ts';
import { pickerFor } from '../pick/registry.ts';
import { CODES_OF_NO_RULE, FAILURES_OF_NO_RULE } from './possible.ts';
import { RetryBudget } from './retry-budget.ts';
import { type RuleBackendCells, RuleSeries } from './rule-series.ts';

/** What a rule carries from request to request. */
export class RuleRuntime {
  readonly picker: Picker;
  readonly budget: RetryBudget | null;
  /** Of the rule's name. Those that were dropped are replaced before the next request (`RuleRuntimes.of`). */
  series: RuleSeries;
  #turn = 0;

  constructor(rule: RuleConfig, series: RuleSeries) {
    this.picker = pickerFor(rule.selection);
    this.budget = rule.retry.budget === null ? null : new RetryBudget(rule.retry.budget);
    this.series = series;
    for (const { name } of rule.backendRefs) series.of(name);
  }

  /** A request begins. @returns what its end is counted in */
  enter(backend: string): RuleBackendCells {
    return this.series.enter(backend);
  }

  nextTurn(): number {
    return this.#turn++;
  }

  /** What `nextTurn` will give next. */
  get turn(): number {
    return this.#turn;
  }

  failed(failure: FailureLabel): void {
    this.series.failed(failure);
  }

  retried(reason: string): void {
    this.series.retried(reason);
  }

  /** The budget allowed no further attempt. */
  budgetExhausted(): void {
    this.series.budgetExhausted();
  }
}

/** The runtime of each rule, kept as long as the rule is the same value, and the series of each rule's name. */
export class RuleRuntimes {
  readonly #runtimes = new WeakMap<RuleConfig, RuleRuntime>();
  readonly #series = new Map<string, RuleSeries>();
  readonly #metrics: Metrics;

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
  }

  of(rule: RuleConfig): RuleRuntime {
    let runtime = this.#runtimes.get(rule);
    if (runtime === undefined) {
      runtime = new RuleRuntime(rule, this.#seriesOf(rule.name));
      this.#runtimes.set(rule, runtime);
    } else if (runtime.series.dropped) runtime.series = this.#seriesOf(rule.name);
    return runtime;
  }

  /** Series of rules in force are there before anything counts in them; 1,000 rules have 30,000, hence steps. */
  *show(listeners: readonly ListenerSnapshot[]): Generator<void, void> {
    const { requests, requestFailures } = this.#metrics;
    for (const { config } of listeners) {
      for (const failure of FAILURES_OF_NO_RULE[config.protocol]) requestFailures.with('', failure);
      if (config.protocol === 'HTTP') for (const code of CODES_OF_NO_RULE) requests.with('', '', code);
      for (const rule of config.rules) {
        this.#seriesOf(rule.name).show(rule, config.protocol);
        yield;
      }
    }
  }

  /** The number that the rule's next turn will have, without taking it or counting anything. */
  peekTurn(rule: RuleConfig): number {
    return this.#runtimes.get(rule)?.turn ?? 0;
  }

  /**
   * Drops the series of rules, and of their backends, that are in no listener any more and that nothing counts in.
   * @returns whether some are still counted in
   */
  dropSeries({ listeners }: RoutingSnapshot): boolean {
    const inForce = new Map<string, Set<string>>();
    for (const { config } of listeners)
      for (const { name, backendRefs } of config.rules) {
        const backends = inForce.get(name) ?? new Set();
        inForce.set(name, backends);
        for (const ref of backendRefs) backends.add(ref.name);
      }
    let leaving = false;
    for (const [name, series] of this.#series) {
      if (!series.retain(inForce.get(name) ?? null)) this.#series.delete(name);
      else if (series.leaving) leaving = true;
    }
    const isGone = ([rule]: readonly string[]): boolean =>
      rule !== '' && !inForce.has(rule!) && !this.#series.has(rule!);
    const isGonePair = ([rule, backend]: readonly string[]): boolean =>
      isGone([rule!]) ||
      (backend !== '' &&
        !inForce.get(rule!)?.has(backend!) &&
        this.#series.get(rule!)?.has(backend!) !== true);
    const { requests, requestDuration, requestFailures, requestsInFlight, retries, retryBudgetExhausted } =
      this.#metrics;
    for (const family of [requests, requestDuration]) family.remove(isGonePair);
    for (const family of [requestFailures, requestsInFlight, retries, retryBudgetExhausted])
      family.remove(isGone);
    return leaving;
  }

  #seriesOf(name: string): RuleSeries {
    let series = this.#series.get(name);
    if (series === undefined) {
      series = new RuleSeries(this.#metrics, name);
      this.#series.set(name, series);
    }
    return series;
  }
}
