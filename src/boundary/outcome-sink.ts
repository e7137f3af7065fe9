import type { Outcome } from '../model/outcome.ts';

/** Where the data plane reports what it learnt about Pods. Must return at once and never throw. */
export interface OutcomeSink {
  report(outcome: Outcome): void;
}
