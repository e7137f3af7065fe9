import type { FailureLabel } from '../../model/failure.ts';
import { monotonicMs } from '../../platform/clock.ts';
import type { RequestFacts, RequestObserver } from './request-observer.ts';

/** Tells several observers, in their order, of what each of them wants to know. By index: an iterator for each event would cost. */
export class Observers implements RequestObserver {
  readonly #all: readonly Partial<RequestObserver>[];

  constructor(all: readonly Partial<RequestObserver>[]) {
    this.#all = all;
  }

  matched(facts: RequestFacts): void {
    for (let i = 0; i < this.#all.length; i++) this.#all[i]!.matched?.(facts);
  }

  held(facts: RequestFacts): void {
    for (let i = 0; i < this.#all.length; i++) this.#all[i]!.held?.(facts);
  }

  picked(facts: RequestFacts): void {
    for (let i = 0; i < this.#all.length; i++) this.#all[i]!.picked?.(facts);
  }

  tried(facts: RequestFacts): void {
    for (let i = 0; i < this.#all.length; i++) this.#all[i]!.tried?.(facts);
  }

  answered(facts: RequestFacts): void {
    for (let i = 0; i < this.#all.length; i++) this.#all[i]!.answered?.(facts);
  }

  restarted(facts: RequestFacts): void {
    for (let i = 0; i < this.#all.length; i++) this.#all[i]!.restarted?.(facts);
  }

  over(facts: RequestFacts, status: number, failure: FailureLabel | null): void {
    for (let i = 0; i < this.#all.length; i++) this.#all[i]!.over?.(facts, status, failure);
  }
}

/** Counts each request in flight, and its end by the rule and the backend that it has then. */
export class RequestMetrics implements Partial<RequestObserver> {
  matched(facts: RequestFacts): void {
    facts.counted?.leave();
    const { runtime, backend } = facts.placement;
    facts.counted = runtime.enter(backend);
  }

  restarted({ counted }: RequestFacts): void {
    counted?.leave();
  }

  over({ counted, placement, startedMs }: RequestFacts, status: number, failure: FailureLabel | null): void {
    if (failure !== null) placement.runtime.failed(failure);
    if (counted === null) return;
    counted.leave();
    if (status !== 0) counted.answered(status, monotonicMs() - startedMs);
  }
}
