/**
 * The closed list of headroute's own failures with their status (SPEC 3). The name is also the metric label and the
 * `failure` member of the problem document.
 */
export const FAILURES = {
  bad_request: { status: 400, title: 'Bad request' },
  key_missing: { status: 400, title: 'Routing key missing' },
  head_too_large: { status: 431, title: 'Request head too large' },
  target_too_long: { status: 414, title: 'Request target too long' },
  head_timeout: { status: 408, title: 'Request head not received in time' },
  method_not_allowed: { status: 405, title: 'Method not allowed' },
  body_timeout: { status: 408, title: 'Request body not received in time' },
  body_invalid: { status: 400, title: 'Request body malformed' },
  no_route: { status: 404, title: 'No rule matches' },
  loop_detected: { status: 508, title: 'Loop detected' },
  no_endpoint: { status: 503, title: 'No Pod is ready' },
  no_leader: { status: 503, title: 'No leader is known' },
  leader_conflict: { status: 503, title: 'Two Pods claim to lead' },
  ordinal_unavailable: { status: 503, title: 'The Pod of this ordinal is not ready' },
  hold_full: { status: 503, title: 'Too many requests wait for a leader' },
  hold_timeout: { status: 503, title: 'No leader appeared in time' },
  overloaded: { status: 503, title: 'Overloaded' },
  draining: { status: 503, title: 'Shutting down' },
  connect_failed: { status: 502, title: 'The Pod could not be reached' },
  upstream_reset: { status: 502, title: 'The Pod closed the connection' },
  upstream_protocol: { status: 502, title: 'The Pod answered with something that is not HTTP' },
  quorum_unmet: { status: 502, title: 'Too few Pods succeeded' },
  backend_timeout: { status: 504, title: 'The Pod did not answer in time' },
  request_timeout: { status: 504, title: 'The request took too long' },
} as const;

export type Failure = keyof typeof FAILURES;

/** What `headroute_request_failures_total` counts: the failures answered, and clients that left. */
export type FailureLabel = Failure | 'client_gone';

export const FAILURE_NAMES = Object.keys(FAILURES) as Failure[];
