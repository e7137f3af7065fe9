import type { HoldConfig, RuleConfig } from '../../model/config.ts';
import type { Failure, FailureLabel } from '../../model/failure.ts';
import type { PodView } from '../../model/pod.ts';
import type { BackendSnapshot } from '../../model/snapshot.ts';
import { monotonicMs } from '../../platform/clock.ts';
import type { Piece } from '../http1/chunk-scanner.ts';
import { keepsAlive } from '../http1/connection-options.ts';
import type { RequestHead } from '../http1/request-head.ts';
import type { InboundListener } from '../inbound-listener.ts';
import { matcherFor } from '../match/matcher.ts';
import type { Pick, PickContext } from '../pick/contract.ts';
import { holdOf } from '../pick/stale.ts';
import type { Held, HoldOutcome, HoldQueue } from '../placement/hold-queue.ts';
import type { RuleRuntime } from '../placement/rule-runtime.ts';
import type { RuleBackendCells } from '../placement/rule-series.ts';
import { problemAnswer } from '../respond/problem.ts';
import type { Downstream, Exchange } from './exchange.ts';
import type { HttpDeps } from './http-deps.ts';

const NEVER = Number.POSITIVE_INFINITY;
/** Why a request waits that would find a Pod: those that wait already leave first (SPEC 3, Holding). */
const RELEASING = { failure: 'no_leader', detail: 'earlier requests are being released' } as const;

/**
 * What every HTTP exchange with Pods does: pick, hold while a Pod may come, answer failures, count. How the request goes to
 * the Pods picked is the subclass's.
 */
export abstract class HttpExchange implements Exchange, PickContext {
  deadlineMs = NEVER;
  minLeaderRevision = 0;
  readonly request: RequestHead;
  readonly selfPodName: string;
  protected readonly deps: HttpDeps;
  protected readonly down: Downstream;
  protected readonly listener: InboundListener;
  protected rule: RuleConfig;
  protected runtime: RuleRuntime;
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
  protected received = 0;
  protected requestComplete: boolean;
  /** When `timeouts.request` ends. */
  protected requestDeadlineMs: number;
  readonly #tried: number[] = [];
  #held: Held | null = null;
  /** When it was held first: several holds share one `hold.timeout`. */
  #heldSinceMs = -1;
  #heldMs = 0;
  #waitDetail = '';

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
    this.rule = rule;
    this.runtime = deps.rules.of(rule);
    this.#cells = this.runtime.series.enter(backend);
    this.startedMs = startedMs;
    this.selfPodName = deps.cell.current().config.selfPodName;
    this.requestComplete = !head.chunked && head.contentLength <= 0;
    this.requestDeadlineMs = this.#requestDeadline();
    this.deadlineMs = this.requestDeadlineMs;
  }

  protected get backend(): string {
    return this.#cells.backend;
  }

  #requestDeadline(): number {
    const { requestMs } = this.rule.timeouts;
    return requestMs > 0 ? this.startedMs + requestMs : NEVER;
  }

  abstract get awaitsBody(): boolean;
  abstract body(pieces: readonly Piece[], complete: boolean): void;
  abstract clientDrained(): void;
  abstract expire(nowMs: number): void;

  /** One Pod, or several where the selection is a fan-out. */
  protected abstract picked(pods: readonly PodView[], backend: BackendSnapshot): void;
  /** Ends everything that goes on upstream. */
  protected abstract abandon(): void;
  /** It has another rule or backend now. */
  protected moved(): void {}
  /** Whether it can go on by this rule, or another kind of exchange must. */
  protected abstract canFollow(rule: RuleConfig): boolean;
  /** The request's body as far as it is here. Asked only while nothing of it is with a Pod. */
  protected abstract get bodySoFar(): readonly Piece[];

  random(): number {
    return this.deps.random();
  }

  inFlight(podId: number): number {
    return this.deps.pools.inFlight(podId);
  }

  nextTurn(): number {
    return this.runtime.nextTurn();
  }

  tried(podId: number): boolean {
    return this.#tried.includes(podId);
  }

  /** Only a `learn` answer bars a leader, see RoutedExchange. */
  barred(_leader: PodView, _reign: number): string | null {
    return null;
  }

  protected avoid(podId: number): void {
    if (!this.#tried.includes(podId)) this.#tried.push(podId);
  }

  /** Picks and goes on. @param released whether it has waited its turn in the hold queue */
  protected route(released = false): void {
    let backend = this.deps.cell.current().backends.get(this.backend);
    if (backend === undefined) {
      if (!this.#rematch()) return;
      backend = this.deps.cell.current().backends.get(this.backend);
    }
    const pick = this.pickNow(backend);
    const hold = holdOf(this.rule, backend);
    switch (pick.type) {
      case 'pod': {
        const queued =
          !released && hold !== null && hold.timeoutMs > 0 && this.deps.holdQueue(this.backend).releasing;
        if (queued) this.#hold(hold, RELEASING.detail, RELEASING.failure);
        else this.picked([pick.pod], backend!);
        break;
      }
      case 'pods':
        this.picked(pick.pods, backend!);
        break;
      case 'wait':
        this.#hold(hold, pick.detail, pick.failure);
        break;
      case 'fail':
        this.fail(pick.failure, pick.detail);
    }
  }

  protected pickNow(backend: BackendSnapshot | undefined): Pick {
    if (backend === undefined)
      return { type: 'fail', failure: 'no_endpoint', detail: `backend ${this.backend} is not known` };
    return this.runtime.picker.pick(backend, this);
  }

  /** Body bytes kept while it is held: they count for `hold.maxBytes`. */
  protected keepHeld(bytes: number): void {
    if (this.#held === null || this.#held.addBytes(bytes)) return;
    this.#leave('full');
    this.fail('hold_full', 'the requests held for this rule have reached hold.maxBytes');
  }

  protected get isHeld(): boolean {
    return this.#held !== null;
  }

  /** @param from the place that it has, after a reload that gave it another rule */
  #hold(
    hold: HoldConfig | null,
    detail: string,
    failure: Failure,
    from: { readonly queue: HoldQueue; readonly held: Held } | null = null,
  ): void {
    if (hold === null || hold.timeoutMs === 0) {
      this.fail(failure, detail);
      return;
    }
    const nowMs = monotonicMs();
    if (this.#heldSinceMs < 0) this.#heldSinceMs = nowMs;
    this.#waitDetail = detail;
    const leftMs = hold.timeoutMs - (nowMs - this.#heldSinceMs);
    if (leftMs <= 0) {
      this.#leave('timeout');
      this.#expireHold(hold);
      return;
    }
    this.deadlineMs = this.requestDeadlineMs;
    const queue = this.deps.holdQueue(this.backend);
    const waiter = {
      retry: () => this.#retryHold(),
      expire: () => {
        this.#held = null;
        this.#expireHold(hold);
      },
      rematch: () => this.#rematchHeld(queue),
      crashed: () => this.down.socket.destroy(),
    };
    this.#held = queue.enter(this.rule.name, { ...hold, timeoutMs: leftMs }, this.received, waiter, from);
    if (this.#held === null)
      this.fail(
        'hold_full',
        `as many requests are held as hold.maxRequests or hold.maxBytes allow; ${detail}`,
      );
  }

  /** It is held, and what has changed is not what it waits for. */
  protected waitsOn(_backend: BackendSnapshot | undefined): void {}

  /** @returns whether it leaves the queue */
  #retryHold(): boolean {
    const backend = this.deps.cell.current().backends.get(this.backend);
    const pick = this.pickNow(backend);
    if (pick.type === 'wait') {
      this.#waitDetail = pick.detail;
      this.waitsOn(backend);
      return false;
    }
    const held = this.#held;
    this.#held = null;
    this.#heldMs = monotonicMs() - this.#heldSinceMs;
    // The client may have waited for a word from a Pod: `timeouts.body` begins now.
    if (this.awaitsBody) this.down.resume();
    if (pick.type === 'fail') this.fail(pick.failure, pick.detail);
    else this.picked(pick.type === 'pod' ? [pick.pod] : pick.pods, backend!);
    // Answered at once, by a failure: nothing was released.
    if (this.over) held?.leave('abandoned');
    return true;
  }

  /** The rules of its listener may be others now. */
  #rematchHeld(queue: HoldQueue): void {
    const { rule, backend } = this;
    if (!this.#rematch() || (this.rule === rule && this.backend === backend)) return;
    const held = this.#held!;
    const backendNow = this.deps.cell.current().backends.get(this.backend);
    const hold = holdOf(this.rule, backendNow);
    const pick = this.pickNow(backendNow);
    // Whoever waits on has its turn when all have found their place, in order of arrival.
    const canWait = hold !== null && hold.timeoutMs > 0 && pick.type !== 'fail';
    if (canWait || pick.type === 'wait') {
      const { failure, detail } = pick.type === 'wait' ? pick : RELEASING;
      this.#hold(hold, detail, failure, { queue, held });
    } else if (this.#retryHold()) held.leave('released');
  }

  /**
   * After a reload: finds its rule and backend anew, by the rules that its listener has now. Nothing of it is with a Pod.
   * @returns false: it has ended here, and goes on as an exchange of another kind or was answered
   */
  #rematch(): boolean {
    const rule = matcherFor(this.listener.snapshot).match(this.request);
    const { renamed, cell, random } = this.deps;
    const backend = rule === null ? null : renamed.choose(rule, this.backend, cell.current(), random);
    if (rule === null || backend === null) {
      this.#restart('abandoned');
      return false;
    }
    if (rule === this.rule && backend === this.backend) return true;
    if (!this.canFollow(rule)) {
      this.#restart('released');
      return false;
    }
    this.#moveTo(rule, backend);
    return true;
  }

  #moveTo(rule: RuleConfig, backend: string): void {
    const knows = this.deps.cell
      .current()
      .backends.get(backend)
      ?.pods.some(({ id }) => id === this.pod?.id);
    // Revisions are those of one backend; under another name it is still that one.
    if (backend !== this.backend && !knows) this.minLeaderRevision = 0;
    this.runtime.series.leave(this.#cells);
    this.rule = rule;
    this.runtime = this.deps.rules.of(rule);
    this.#cells = this.runtime.series.enter(backend);
    this.requestDeadlineMs = this.#requestDeadline();
    this.deadlineMs = this.requestDeadlineMs;
    this.moved();
  }

  #restart(outcome: HoldOutcome): void {
    const { startedMs, sent, bodySoFar, requestComplete } = this;
    this.#leave(outcome);
    this.abandon();
    this.over = true;
    this.deadlineMs = NEVER;
    this.runtime.series.leave(this.#cells);
    this.down.restart({ startedMs, sent, body: bodySoFar, complete: requestComplete });
  }

  #expireHold(hold: HoldConfig): void {
    this.#heldMs = monotonicMs() - this.#heldSinceMs;
    this.fail('hold_timeout', `held for ${hold.timeoutMs} ms; ${this.#waitDetail}`);
  }

  #leave(outcome: HoldOutcome): void {
    const held = this.#held;
    if (held === null) return;
    this.#held = null;
    this.#heldMs = monotonicMs() - this.#heldSinceMs;
    held.leave(outcome);
  }

  /** Answers with a failure of headroute's own, or cuts an answer that has begun. */
  protected fail(failure: Failure, detail: string, status?: number): void {
    if (this.over) return;
    this.#leave('abandoned');
    this.abandon();
    this.runtime.failed(failure);
    if (this.responded) {
      this.done(0, failure);
      this.down.cut(this.endsByClose);
      return;
    }
    // What HTTP/1.0 calls kept must be said, and after a failure there is little to keep it for.
    const mayKeep = this.request.minor === 1 && this.mayKeep;
    const keep = mayKeep && this.requestComplete && !this.down.closing && failure !== 'draining';
    const problem = { failure, detail, rule: this.rule.name, backend: this.backend, sent: this.sent, status };
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
    this.#leave('client_gone');
    this.abandon();
    this.runtime.failed('client_gone');
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
    this.runtime.series.leave(this.#cells);
    const durationMs = monotonicMs() - this.startedMs;
    if (status !== 0) this.#cells.answered(status, durationMs);
    if (!this.deps.accessLog.enabled) return;
    this.deps.accessLog.write({
      method: this.request.method,
      path: this.request.path,
      rule: this.rule.name,
      backend: this.backend,
      pod: this.pod?.name ?? null,
      status: status === 0 ? null : status,
      failure,
      attempts: this.attempts,
      heldMs: Math.round(this.#heldMs),
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
