import { FAILURES, type FailureLabel } from '../model/failure.ts';
import type { AccessRecord } from '../observe/access-log.ts';
import { toText } from './byte-string.ts';
import type { RequestView } from './request-view.ts';
import { traceIdOf } from './trace-parent.ts';

/** Characters of a User-Agent that are shown. */
const MAX_USER_AGENT = 200;

type RequestFields = Pick<AccessRecord, 'method' | 'host' | 'path' | 'traceId' | 'userAgent'>;

const NONE: RequestFields = { method: '', host: '', path: '', traceId: null, userAgent: null };

/** What the access log says of a request's head. @param request null: it could not be read */
export function requestFields(request: RequestView | null): RequestFields {
  if (request === null) return NONE;
  const { method, host, path } = request;
  // Several lines of it read as one value with a comma, which is no trace.
  const trace = request.header('traceparent');
  const agent = request.header('user-agent');
  return {
    method,
    host,
    path,
    traceId: trace === undefined ? null : traceIdOf(trace),
    userAgent: agent === undefined ? null : toText(agent).slice(0, MAX_USER_AGENT),
  };
}

/** What the access log says of why it failed: a detail of what is wrong with a request may quote it. */
export function detailOf(failure: FailureLabel | null, detail: string | null): string | null {
  return failure === null || failure === 'client_gone' || FAILURES[failure].status < 500 ? null : detail;
}
