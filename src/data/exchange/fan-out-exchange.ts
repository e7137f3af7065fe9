import type { FanOutSelection } from '../../model/config.ts';
import type { PodView } from '../../model/pod.ts';
import type { BackendSnapshot } from '../../model/snapshot.ts';
import { CompactPieces } from '../compact-pieces.ts';
import { KEPT_BODY_BYTES } from '../forward/retry.ts';
import type { Piece } from '../http1/chunk-scanner.ts';
import { EXPECT } from '../http1/field-names.ts';
import {
  type FanOutAnswer,
  type FanOutResponse,
  failedPods,
  isSuccess,
  PARTIAL_FIELD,
  partialValue,
} from '../merge/answer.ts';
import { firstSuccess, quorumOf, Votes } from '../merge/choose-answer.ts';
import { compose, unmet } from '../merge/compose.ts';
import { type ComposedParts, composedAnswer } from '../respond/composed-answer.ts';
import { isSafeMethod } from '../safe-methods.ts';
import type { Attempt } from './attempt.ts';
import { FanOutBranch, type FanOutPlan } from './fan-out-branch.ts';
import { HttpExchange } from './http-exchange.ts';

/** What a merged answer cannot be made of: parts of a body, or a body in a coding. */
const WITHOUT_CODINGS: ReadonlySet<string> = new Set(['accept-encoding', 'range', 'if-range']);

/**
 * One request to many Pods (SPEC 3, Fan-out): the body is kept whole, each Pod gets it once, and the selection's `respond`
 * decides when there is an answer and what it is.
 */
export class FanOutExchange extends HttpExchange implements FanOutPlan {
  readonly #selection: FanOutSelection;
  readonly #body = new CompactPieces();
  #branches: FanOutBranch[] = [];
  readonly #arrived: FanOutAnswer[] = [];
  readonly #votes = new Votes();
  readonly #byPod = new Map<PodView, FanOutAnswer>();
  #bytesSent = 0;
  #started = false;

  constructor(selection: FanOutSelection, ...args: ConstructorParameters<typeof HttpExchange>) {
    super(...args);
    this.#selection = selection;
  }

  start(): void {
    this.#started = true;
    if (!isSafeMethod(this.request.method) && !this.#selection.allowUnsafe)
      this.fail(
        'method_not_allowed',
        `a fan-out takes safe methods only, not ${this.request.method} (allowUnsafe)`,
      );
    else if (this.request.contentLength > KEPT_BODY_BYTES) this.#tooLarge();
    else if (this.requestComplete) this.route();
    // The body is read before a Pod is asked: who waits for a word to send it must have it from here.
    else if (this.received === 0 && this.request.minor === 1 && this.request.fields.has(EXPECT))
      this.down.socket.write('HTTP/1.1 100 Continue\r\n\r\n');
  }

  #tooLarge(): void {
    this.fail('bad_request', `the body of a fan-out is kept up to ${KEPT_BODY_BYTES} bytes`, 413);
  }

  get timeoutMs(): number {
    return this.rule.timeouts.backendRequestMs;
  }

  get maxResponseBytes(): number {
    return this.#selection.maxResponseBytes;
  }

  get awaitsBody(): boolean {
    return !this.requestComplete;
  }

  body(pieces: readonly Piece[], complete: boolean): void {
    if (this.over) return;
    this.requestComplete = complete;
    for (const piece of pieces) {
      this.received += piece.length;
      this.#body.add(piece);
    }
    if (this.received > KEPT_BODY_BYTES) this.#tooLarge();
    else if (complete && this.#started) this.route();
  }

  protected override picked(pods: readonly PodView[], backend: BackendSnapshot): void {
    this.attempts = pods.length;
    this.#branches = pods.map(
      (pod) => new FanOutBranch(pod, this.deps.pools.of(this.backend, pod), backend, this),
    );
    for (const branch of this.#branches) {
      if (this.over) return;
      branch.start();
    }
    this.#setDeadline();
  }

  send(attempt: Attempt): void {
    this.sent = true;
    const { respond } = this.#selection;
    const without = respond === 'All' || respond === 'Merge' ? WITHOUT_CODINGS : null;
    attempt.send(
      this.request,
      this.down.peer,
      this.deps.hopName,
      null,
      attempt.pod,
      this.#body.list,
      without,
    );
    this.#setDeadline();
  }

  connecting(): void {
    this.#setDeadline();
  }

  connectFailed(podId: number, reason: string): void {
    this.deps.outcomes.report({ kind: 'connect_failed', podId, reason });
  }

  failed(podId: number, reason: string): void {
    this.deps.outcomes.report({ kind: 'failed', podId, reason });
  }

  arrived(branch: FanOutBranch, answer: FanOutAnswer): void {
    if (this.over) return;
    this.#arrived.push(answer);
    this.#byPod.set(branch.pod, answer);
    this.#setDeadline();
    const asked = this.#branches.length;
    const isLast = this.#arrived.length === asked;
    switch (this.#selection.respond) {
      case 'First': {
        const first = firstSuccess(this.#arrived);
        if (first !== null) this.#answer(first);
        else if (isLast) this.#unmet(1);
        break;
      }
      case 'Quorum': {
        const needed = quorumOf(this.#selection.minSuccess, asked);
        this.#votes.add(answer);
        const agreed = this.#votes.reached(needed);
        if (agreed !== null) this.#answer(agreed);
        else if (!this.#votes.canReach(needed, asked - this.#arrived.length)) this.#unmet(needed);
        break;
      }
      default:
        if (isLast) this.#compose();
    }
  }

  override clientDrained(): void {}

  override expire(nowMs: number): void {
    if (nowMs >= this.requestDeadlineMs) {
      this.fail('request_timeout', `no answer within ${this.rule.timeouts.requestMs} ms (timeouts.request)`);
      return;
    }
    for (const branch of [...this.#branches]) if (nowMs >= branch.deadlineMs) branch.expire();
    this.#setDeadline();
  }

  protected override abandon(): void {
    for (const branch of this.#branches) branch.cancel();
  }

  protected override get bytesSent(): number {
    return this.#bytesSent;
  }

  /** One Pod's answer stands for all. */
  #answer(answer: FanOutResponse): void {
    const partial = partialValue(failedPods(this.#arrived), [answer]);
    const headers = answer.headers.filter(([name]) => name.toLowerCase() !== PARTIAL_FIELD.toLowerCase());
    this.#write({
      status: answer.status,
      headers: partial === null ? headers : [...headers, [PARTIAL_FIELD, partial]],
      body: answer.body,
    });
  }

  #compose(): void {
    const answers = this.#branches.map(({ pod }) => this.#byPod.get(pod)!);
    const composed = compose(this.#selection, answers, this.request.method === 'HEAD');
    if (composed.type === 'fail') this.fail(composed.failure, composed.detail);
    else this.#write(composed);
  }

  #unmet(needed: number): void {
    const failed = this.#arrived.filter((answer) => !isSuccess(answer));
    const succeeded = this.#arrived.length - failed.length;
    this.fail('quorum_unmet', unmet(succeeded, needed, this.#branches.length, failed));
  }

  #write(parts: ComposedParts): void {
    this.abandon();
    const keep = this.mayKeep && this.requestComplete && !this.down.closing;
    this.responded = true;
    const text = composedAnswer(parts, {
      isHead: this.request.method === 'HEAD',
      close: !keep,
      clientMinor: this.request.minor,
      extra: this.debugLines(),
    });
    this.#bytesSent = text.length;
    this.down.socket.write(text, 'latin1');
    this.done(parts.status, null);
    this.down.finished(keep);
  }

  #setDeadline(): void {
    let next = this.requestDeadlineMs;
    for (const branch of this.#branches) next = Math.min(next, branch.deadlineMs);
    if (!this.over) this.deadlineMs = next;
  }
}
