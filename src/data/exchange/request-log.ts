import type { FailureLabel } from '../../model/failure.ts';
import type { AccessLog } from '../../observe/access-log.ts';
import { monotonicMs } from '../../platform/clock.ts';
import { detailOf, requestFields } from '../request-fields.ts';
import type { RequestFacts, RequestObserver } from './request-observer.ts';

/** Names of a fan-out's Pods in one line. */
const MAX_PODS = 100;

/** A line for each request in the access log, where that is on. */
export class RequestLog implements Partial<RequestObserver> {
  readonly #log: AccessLog;

  constructor(log: AccessLog) {
    this.#log = log;
  }

  answered(facts: RequestFacts): void {
    if (this.#log.mode !== false) facts.answeredMs = monotonicMs();
  }

  over(facts: RequestFacts, status: number, failure: FailureLabel | null): void {
    const isError = status >= 500 || (failure !== null && failure !== 'client_gone');
    if (!this.#log.wants(isError)) return;
    const { request, client, listener, startedMs, answeredMs, placement, pod, pods } = facts;
    const durationMs = monotonicMs() - startedMs;
    // An answer of headroute's own is written as a whole.
    const wholeMs = status === 0 ? null : durationMs;
    const firstByteMs = answeredMs === 0 ? wholeMs : answeredMs - startedMs;
    const { method, host, path, traceId, userAgent } = requestFields(request);
    this.#log.request({
      listener: listener.snapshot.config.name,
      client: client.address,
      method,
      host,
      path,
      rule: placement.rule.name,
      backend: placement.backend,
      pod: pod?.name ?? null,
      pods: pods?.slice(0, MAX_PODS).map(({ name }) => name) ?? null,
      status: status === 0 ? null : status,
      failure,
      detail: detailOf(failure, facts.detail),
      sent: facts.sent,
      attempts: facts.attempts,
      heldMs: Math.round(placement.heldMs),
      firstByteMs: firstByteMs === null ? null : toMicros(firstByteMs),
      durationMs: toMicros(durationMs),
      bytesReceived: facts.received,
      bytesSent: facts.bytesSent,
      traceId,
      userAgent,
    });
  }
}

function toMicros(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
