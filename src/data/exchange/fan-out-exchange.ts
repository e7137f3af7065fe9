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
import { quorumOf, Votes } from '../merge/choose-answer.ts';
import { compose } from '../merge/compose.ts';
import { noQuorum, tooFew } from '../merge/too-few.ts';
import { type ComposedParts, composedAnswer } from '../respond/composed-answer.ts';
import { isSafeMethod } from '../safe-methods.ts';
import type { Attempt } from './attempt.ts';
import { FanOutBranch, type FanOutPlan } from './fan-out-branch.ts';
import { HttpExchange } from './http-exchange.ts';

/**
 * What is not sent on where one answer is made of all: a body in a coding, a part of one, or none because the client has it
 * already (RFC 9110 sections 13 and 14) cannot be merged, and no Pod's validator is the whole's.
 */
const NOT_FOR_COMPOSED: ReadonlySet<string> = new Set([
  'accept-encoding',
  'range',
  'if-range',
  'if-match',
  'if-none-match',
  'if-modified-since',
  'if-unmodified-since',
]);

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
  readonly #conditional: boolean;

  constructor(selection: FanOutSelection, ...args: ConstructorParameters<typeof HttpExchange>) {
    super(...args);
    this.#selection = selection;
    this.#conditional = this.#asksForNews();
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

  /** Whether one answer is made of all; else one Pod's stands for all. */
  get #composes(): boolean {
    const { respond } = this.#selection;
    return respond === 'All' || respond === 'Merge';
  }

  /** Whether a Pod may answer that the client's copy is still good (RFC 9110 sections 13.1.2, 13.1.3 and 15.4.5). */
  #asksForNews(): boolean {
    const { request } = this;
    return (
      !this.#composes &&
      (request.method === 'GET' || request.method === 'HEAD') &&
      (request.header('if-none-match') !== undefined || request.header('if-modified-since') !== undefined)
    );
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
    const without = this.#composes ? NOT_FOR_COMPOSED : null;
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
      case 'First':
        if (isSuccess(answer, this.#conditional)) this.#answer(answer);
        else if (isLast) this.fail('quorum_unmet', tooFew(0, 1, asked, this.#arrived));
        break;
      case 'Quorum': {
        const needed = quorumOf(this.#selection.minSuccess, asked);
        if (isSuccess(answer, this.#conditional)) this.#votes.add(answer);
        const agreed = this.#votes.reached(needed);
        if (agreed !== null) this.#answer(agreed);
        else if (!this.#votes.canReach(needed, asked - this.#arrived.length)) this.#noQuorum(needed);
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
    const partial = partialValue(failedPods(this.#arrived, this.#conditional), [answer]);
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

  #noQuorum(needed: number): void {
    const failed = this.#arrived.filter((answer) => !isSuccess(answer, this.#conditional));
    const succeeded = this.#arrived.length - failed.length;
    this.fail('quorum_unmet', noQuorum(succeeded, this.#votes.most, needed, this.#branches.length, failed));
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
