import type { HoldConfig, ListenerConfig, RuleConfig, Selection } from '../../model/config.ts';
import type { FailureLabel } from '../../model/failure.ts';

/**
 * What can be counted of a rule. Its counters exist from 0 on: of one that first shows with 100, Prometheus takes the 100 for
 * what it began with, and sees no increase in a burst between two scrapes.
 */

type Protocol = ListenerConfig['protocol'];

/** Of any rule, since a Pod may be gone or busy, or the client. */
const OF_ALL: readonly FailureLabel[] = [
  'client_gone',
  'no_endpoint',
  'overloaded',
  'draining',
  'connect_failed',
];
const OF_REQUESTS: readonly FailureLabel[] = [
  'body_timeout',
  'body_invalid',
  'upstream_reset',
  'upstream_protocol',
  'backend_timeout',
  'request_timeout',
];
const OF_LEADERS: readonly FailureLabel[] = ['no_leader', 'leader_conflict'];
const OF_HOLDS: readonly FailureLabel[] = ['hold_full', 'hold_timeout'];

/** Failures of what no rule has matched. */
export const FAILURES_OF_NO_RULE: Readonly<Record<Protocol, readonly FailureLabel[]>> = {
  HTTP: [
    'bad_request',
    'head_too_large',
    'target_too_long',
    'head_timeout',
    'method_not_allowed',
    'no_route',
    'loop_detected',
    'overloaded',
    'draining',
  ],
  TCP: ['no_route', 'overloaded'],
};

/** The statuses that questions are asked about most: whether it works, and what servers fail with. */
export const USUAL_CODES: readonly string[] = ['200', '500', '502', '503', '504'];

/** Those of answers that no rule has. */
export const CODES_OF_NO_RULE: readonly string[] = ['400', '404', '503'];

/** How the requests of a rule can fail. */
export function failuresOf({ selection }: RuleConfig, protocol: Protocol): readonly FailureLabel[] {
  const failures = [...OF_ALL];
  if (protocol === 'HTTP') failures.push(...OF_REQUESTS);
  switch (selection.type) {
    case 'Leader':
      failures.push(...OF_LEADERS);
      break;
    case 'Ordinal':
      failures.push('ordinal_unavailable');
      if (selection.key !== null) failures.push('key_missing');
      if (selection.whenUnavailable === 'Leader') failures.push(...OF_LEADERS);
      break;
    case 'FanOut':
      failures.push('quorum_unmet', 'bad_request');
      if (!selection.allowUnsafe) failures.push('method_not_allowed');
  }
  if (mayHold(selection) !== null) failures.push(...OF_HOLDS);
  return failures;
}

/** How its requests may wait, but for a stall of the sidecar's own (pick/stale.ts); null: they do not. */
export function mayHold(selection: Selection): HoldConfig | null {
  const canWait =
    selection.type === 'Leader' ||
    (selection.type === 'Ordinal' &&
      (selection.whenUnavailable === 'Hold' || selection.whenUnavailable === 'Leader'));
  return canWait && selection.hold.timeoutMs > 0 ? selection.hold : null;
}

/** Why attempts of a rule can be made again. */
export function retryReasonsOf({ selection, retry }: RuleConfig, protocol: Protocol): readonly string[] {
  if (retry.attempts === 0 || selection.type === 'FanOut') return [];
  if (protocol === 'TCP') return ['connect_failed', 'local_error'];
  const reasons = ['connect_failed', 'local_error', 'reset'];
  if (retry.codes.length > 0) reasons.push('status');
  if (selection.type === 'Leader') reasons.push('not_leader');
  return reasons;
}
