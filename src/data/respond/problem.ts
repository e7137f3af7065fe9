import { STATUS_CODES } from 'node:http';
import { FAILURES, type Failure } from '../../model/failure.ts';
import type { ProblemDetails } from '../stream/problem.ts';

/** The failures that another try may cure, with the seconds that `Retry-After` names. */
const RETRY_AFTER: Partial<Record<Failure, number>> = {
  no_endpoint: 1,
  no_leader: 1,
  leader_conflict: 1,
  ordinal_unavailable: 1,
  hold_full: 1,
  hold_timeout: 1,
  overloaded: 1,
  draining: 1,
};

/** Safe methods: all that a fan-out takes without `allowUnsafe`. */
const SAFE = 'GET, HEAD, OPTIONS, TRACE';

/**
 * The whole answer for a failure of headroute's own (RFC 9457), as a byte string: the only map from failure to status.
 * `X-Headroute-Failure` and `X-Headroute-Sent` repeat two members, so that nobody mistakes it for a Pod's answer.
 */
export function problemAnswer(problem: ProblemDetails, close: boolean, isHead: boolean, extra = ''): string {
  const { failure, sent } = problem;
  const status = problem.status ?? FAILURES[failure].status;
  const body = Buffer.from(
    JSON.stringify({
      title: FAILURES[failure].title,
      status,
      detail: problem.detail,
      failure,
      rule: problem.rule,
      backend: problem.backend,
      sent,
    }),
  );
  const retryAfter = RETRY_AFTER[failure];
  return (
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Error'}\r\n` +
    `Content-Type: application/problem+json\r\nContent-Length: ${body.length}\r\nCache-Control: no-store\r\n` +
    `X-Headroute-Failure: ${failure}\r\nX-Headroute-Sent: ${sent}\r\n` +
    (retryAfter === undefined ? '' : `Retry-After: ${retryAfter}\r\n`) +
    (failure === 'method_not_allowed' ? `Allow: ${problem.allow ?? SAFE}\r\n` : '') +
    `${close ? 'Connection: close\r\n' : ''}${extra}\r\n${isHead ? '' : body.toString('latin1')}`
  );
}
