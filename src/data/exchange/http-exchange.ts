import type { RuleConfig } from '../../model/config.ts';
import type { Failure, FailureLabel } from '../../model/failure.ts';
import type { PodView } from '../../model/pod.ts';
import type { BackendSnapshot } from '../../model/snapshot.ts';
import { monotonicMs } from '../../platform/clock.ts';
import type { Piece } from '../http1/chunk-scanner.ts';
import { keepsAlive } from '../http1/connection-options.ts';
import type { RequestHead } from '../http1/request-head.ts';
import type { InboundListener } from '../inbound-listener.ts';
import { Placement } from '../placement/placement.ts';
import type { PlacementOwner } from '../placement/placement-owner.ts';
import type { RuleBackendCells } from '../placement/rule-series.ts';
import { problemAnswer } from '../respond/problem.ts';
import type { Downstream, Exchange } from './exchange.ts';
import type { HttpDeps } from './http-deps.ts';

const NEVER = Number.POSITIVE_INFINITY;

/**
 * What every HTTP exchange with Pods does: place the request (placement/placement.ts), answer failures, count. How it goes to the
 * Pods that it is placed on is the subclass's.
 */
export abstract class HttpExchange implements Exchange, PlacementOwner {
  deadlineMs: number;
  received = 0;
  readonly request: RequestHead;
  protected readonly deps: HttpDeps;
  protected readonly down: Downstream;
  protected readonly listener: InboundListener;
  protected readonly placement: Placement;
  /** What its end is counted in, by the rule and the backend that it has now. */
  #cells: RuleBackendCells;
  protected readonly startedMs: number;
  /** Whether a byte of the request went to a Pod. */
  sent = false;
  /** Whether a byte of the final answer went to the client. */
  protected responded = false;
  /** The client finds the end of the answer by the end of the connection: a cut one must be reset. */
  protected endsByClose = false;
  protected over = false;
  protected attempts = 0;
  protected pod: PodView | null = null;
  protected requestComplete: boolean;
  /** When `timeouts.request` ends. */
  protected requestDeadlineMs: number;

  constructor(
    deps: HttpDeps,
    down: Downstream,
    head: RequestHead,
    listener: InboundListener,
    rule: RuleConfig,
    backend: string,
    startedMs: number,
  ) {
    this.deps = deps;
    this.down = down;
    this.request = head;
    this.listener = listener;
    this.placement = new Placement(this, head, listener, rule, backend, deps);
    this.#cells = this.placement.runtime.series.enter(backend);
    this.startedMs = startedMs;
    this.requestComplete = !head.chunked && head.contentLength <= 0;
    this.requestDeadlineMs = this.#requestDeadline();
    this.deadlineMs = this.requestDeadlineMs;
  }

  protected get rule(): RuleConfig {
    return this.placement.rule;
  }

  #requestDeadline(): number {
    const { requestMs } = this.rule.timeouts;
    return requestMs > 0 ? this.startedMs + requestMs : NEVER;
  }

  abstract get awaitsBody(): boolean;
  abstract body(pieces: readonly Piece[], complete: boolean): void;
  abstract clientDrained(): void;
  abstract expire(nowMs: number): void;

  abstract place(pods: readonly PodView[], backend: BackendSnapshot, waited: boolean): void;
  abstract canFollow(rule: RuleConfig): boolean;

  /** Ends everything that goes on upstream. */
  protected abstract abandon(): void;
  /** The request's body as far as it is here. Asked only while nothing of it is with a Pod. */
  protected abstract get bodySoFar(): readonly Piece[];

  waits(): void {
    this.deadlineMs = this.requestDeadlineMs;
  }

  moved(): void {
    this.#cells.leave();
    this.#cells = this.placement.runtime.series.enter(this.placement.backend);
    this.requestDeadlineMs = this.#requestDeadline();
    this.deadlineMs = this.requestDeadlineMs;
  }

  restart(): void {
    const { startedMs, sent, bodySoFar, requestComplete } = this;
    this.abandon();
    this.over = true;
    this.deadlineMs = NEVER;
    this.#cells.leave();
    this.down.restart({ startedMs, sent, body: bodySoFar, complete: requestComplete });
  }

  crashed(): void {
    this.down.socket.destroy();
  }

  refuse(failure: Failure, detail: string): void {
    this.fail(failure, detail);
  }

  /** Answers with a failure of headroute's own, or cuts an answer that has begun. */
  protected fail(failure: Failure, detail: string, status?: number): void {
    if (this.over) return;
    this.abandon();
    this.placement.runtime.failed(failure);
    if (this.responded) {
      this.done(0, failure);
      this.down.cut(this.endsByClose);
      return;
    }
    // What HTTP/1.0 calls kept must be said, and after a failure there is little to keep it for.
    const mayKeep = this.request.minor === 1 && this.mayKeep;
    const keep = mayKeep && this.requestComplete && !this.down.closing && failure !== 'draining';
    const { rule, backend } = this.placement;
    const problem = { failure, detail, rule: rule.name, backend, sent: this.sent, status };
    const answer = problemAnswer(problem, !keep, this.request.method === 'HEAD', this.debugLines());
    this.down.socket.write(answer, 'latin1');
    this.done(Number(answer.slice(9, 12)), failure, answer.length);
    this.down.finished(keep);
  }

  bodyFailed(failure: 'body_invalid' | 'body_timeout', detail: string): void {
    this.fail(failure, detail);
  }

  clientGone(): void {
    if (this.over) return;
    this.placement.end('client_gone');
    this.abandon();
    this.placement.runtime.failed('client_gone');
    this.done(0, 'client_gone');
    // It may have ended only its own side, and must not take what came of the answer for all of it.
    if (this.responded && this.endsByClose) this.down.cut(true);
  }

  shutDown(): void {
    this.fail('draining', 'the sidecar shuts down');
  }

  /** Whether the client wants the connection kept. */
  protected get mayKeep(): boolean {
    return keepsAlive(this.request);
  }

  /** `X-Headroute-*` lines where the listener wants them. */
  protected debugLines(): string {
    if (!this.listener.snapshot.config.debugHeaders) return '';
    const pod = this.pod === null ? '' : `X-Headroute-Pod: ${this.pod.name}\r\n`;
    return `X-Headroute-Rule: ${headerText(this.rule.name)}\r\n${pod}X-Headroute-Attempts: ${this.attempts}\r\n`;
  }

  /**
   * Counts the end of the exchange.
   * @param status of the answer, 0: there is no whole one
   * @param ownBytes of an answer of headroute's own
   */
  protected done(status: number, failure: FailureLabel | null, ownBytes = 0): void {
    if (this.over) return;
    this.over = true;
    this.deadlineMs = NEVER;
    this.placement.end();
    this.#cells.leave();
    const durationMs = monotonicMs() - this.startedMs;
    if (status !== 0) this.#cells.answered(status, durationMs);
    if (!this.deps.accessLog.enabled) return;
    const { rule, backend, heldMs } = this.placement;
    this.deps.accessLog.write({
      method: this.request.method,
      path: this.request.path,
      rule: rule.name,
      backend,
      pod: this.pod?.name ?? null,
      status: status === 0 ? null : status,
      failure,
      attempts: this.attempts,
      heldMs: Math.round(heldMs),
      durationMs: Math.round(durationMs * 1000) / 1000,
      bytesReceived: this.received,
      bytesSent: this.bytesSent + ownBytes,
    });
  }

  /** Bytes of a Pod's answer, or of one made of several, handed to the client. */
  protected get bytesSent(): number {
    return 0;
  }
}

/** A configured name as a field value: bytes beyond Latin-1 and controls become `?`. */
export function headerText(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?');
}
