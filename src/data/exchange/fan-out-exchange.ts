import type { FanOutSelection, RuleConfig } from '../../model/config.ts';
import type { PodView } from '../../model/pod.ts';
import type { BackendSnapshot } from '../../model/snapshot.ts';
import { monotonicMs } from '../../platform/clock.ts';
import { crashed } from '../../platform/guard.ts';
import type { WorkSlices } from '../../platform/work-slices.ts';
import { CompactPieces } from '../compact-pieces.ts';
import type { Piece } from '../http1/chunk-scanner.ts';
import { EXPECT } from '../http1/field-names.ts';
import {
  type AnswerHead,
  type FanOutAnswer,
  type FanOutResponse,
  failedPods,
  isSuccess,
  PARTIAL_FIELD,
  partialValue,
} from '../merge/answer.ts';
import type { BodyPurpose } from '../merge/answer-body.ts';
import { BLOCK_BYTES } from '../merge/blocks.ts';
import { SlicePart } from '../merge/body-parts.ts';
import { quorumOf, Votes } from '../merge/choose-answer.ts';
import { compose } from '../merge/compose.ts';
import { ComposedBody } from '../merge/composed-body.ts';
import { noQuorum, tooFew } from '../merge/too-few.ts';
import { type FanOutRefusal, fanOutRefusal, TOO_LARGE } from '../placement/decide.ts';
import { KEPT_BODY_BYTES } from '../placement/retry.ts';
import { composedHead } from '../respond/composed-answer.ts';
import { AnswerPump, LEAST_ROOM, type PumpOwner } from './answer-pump.ts';
import type { Attempt } from './attempt.ts';
import { FanOutBranch, type FanOutPlan } from './fan-out-branch.ts';
import { FanOutShare } from './fan-out-memory.ts';
import { asksForNews, notSent } from './fan-out-request.ts';
import { HttpExchange } from './http-exchange.ts';
import { Sha256 } from './sha256.ts';

/** What it takes, roughly, to write a request once its connection is open. */
const ASK_MS = 0.05;

/**
 * One request to many Pods (SPEC 3, Fan-out): the body is kept whole, each Pod gets it once, and the selection's `respond`
 * decides when there is an answer and what it is. Answers are looked at as they come (fan-out-branch.ts), and the answer
 * made of them is written as the client takes it (answer-pump.ts).
 */
export class FanOutExchange extends HttpExchange implements FanOutPlan, PumpOwner {
  readonly purpose: BodyPurpose;
  readonly share: FanOutShare;
  readonly #selection: FanOutSelection;
  readonly #body = new CompactPieces();
  #pods: readonly PodView[] = [];
  /** Of those that were asked so far. */
  readonly #branches: FanOutBranch[] = [];
  readonly #arrived: FanOutAnswer[] = [];
  readonly #votes = new Votes();
  readonly #byPod = new Map<PodView, FanOutAnswer>();
  #pump: AnswerPump | null = null;
  #status = 0;
  #keepsClient = false;
  #bytesSent = 0;
  #started = false;

  constructor(selection: FanOutSelection, ...args: ConstructorParameters<typeof HttpExchange>) {
    super(...args);
    this.#selection = selection;
    this.share = new FanOutShare(this.down.fanOutMemory, this.listener.snapshot.config.limits.fanOutBytes);
    this.purpose = {
      selection,
      bodiless: this.request.method === 'HEAD',
      conditional: asksForNews(this.request, selection),
      newDigest: () => new Sha256(),
    };
  }

  start(): void {
    this.#started = true;
    const refusal = fanOutRefusal(this.#selection, this.request);
    if (refusal !== null) this.#refuse(refusal);
    else if (this.requestComplete) this.placement.begin(this.startedMs);
    // The body is read before a Pod is asked: who waits for a word to send it must have it from here.
    else if (this.received === 0 && this.request.minor === 1 && this.request.fields.has(EXPECT))
      this.down.socket.write('HTTP/1.1 100 Continue\r\n\r\n');
  }

  #refuse({ failure, detail, status }: FanOutRefusal): void {
    this.fail(failure, detail, status);
  }

  get timeoutMs(): number {
    return this.rule.timeouts.backendRequestMs;
  }

  get maxResponseBytes(): number {
    return this.#selection.maxResponseBytes;
  }

  get slices(): WorkSlices {
    return this.deps.slices;
  }

  /** Only the backend's name may be another: by another rule it begins anew, for it has asked nobody yet. */
  override canFollow({ selection }: RuleConfig): boolean {
    return selection === this.#selection;
  }

  protected override get bodySoFar(): readonly Piece[] {
    return this.#body.list;
  }

  get awaitsBody(): boolean {
    return !this.requestComplete;
  }

  body(pieces: readonly Piece[], complete: boolean): void {
    if (this.over) return;
    this.requestComplete = complete;
    let bytes = 0;
    for (const piece of pieces) {
      bytes += piece.length;
      this.#body.add(piece);
    }
    this.received += bytes;
    if (this.received > KEPT_BODY_BYTES) this.#refuse(TOO_LARGE);
    else if (!this.share.hold(bytes)) this.full();
    else if (complete && this.#started) this.placement.begin(this.startedMs);
  }

  full(): void {
    this.fail(
      'overloaded',
      `the fan-outs of this listener hold all of its ${this.share.limit} bytes (limits.fanOutBytes)`,
    );
  }

  override place(pods: readonly PodView[], backend: BackendSnapshot): void {
    if (!this.share.hasRoom) {
      this.full();
      return;
    }
    this.attempts = pods.length;
    this.#pods = pods;
    this.deps.slices.add({
      step: () => this.#askNext(backend),
      crashed: (error) => this.mistakeMet(error),
    });
  }

  /** Many connections that were opened, or written to, in one turn would make it a long one. @returns whether there are more */
  #askNext(backend: BackendSnapshot): boolean {
    if (this.over || this.responded) return false;
    const pod = this.#pods[this.#branches.length]!;
    const branch = new FanOutBranch(pod, this.deps.pools.of(this.placement.backend, pod), backend, this);
    this.#branches.push(branch);
    this.deps.slices.charge(ASK_MS);
    branch.start();
    return this.#branches.length < this.#pods.length;
  }

  send(attempt: Attempt): void {
    this.sent = true;
    const without = notSent(this.#selection);
    const { request, down, deps } = this;
    attempt.send(request, down.peer, deps.hopName, null, attempt.pod, this.#body.list, without);
    this.deadlineMs = Math.min(this.deadlineMs, attempt.deadlineMs);
  }

  connectFailed(podId: number, reason: string): void {
    this.deps.outcomes.report({ kind: 'connect_failed', podId, reason });
  }

  failed(podId: number, reason: string): void {
    this.deps.outcomes.report({ kind: 'failed', podId, reason });
  }

  arrived(branch: FanOutBranch, answer: FanOutAnswer): void {
    this.#arrived.push(answer);
    this.#byPod.set(branch.pod, answer);
    const asked = this.#pods.length;
    const isLast = this.#arrived.length === asked;
    switch (this.#selection.respond) {
      case 'First':
        if (this.#isSuccess(answer)) this.#answer(answer);
        else if (isLast) this.fail('quorum_unmet', tooFew(0, 1, asked, this.#arrived));
        break;
      case 'Quorum': {
        const needed = quorumOf(this.#selection.minSuccess, asked);
        if (this.#isSuccess(answer) && !this.#votes.add(answer)) answer.body.free();
        const agreed = this.#votes.reached(needed);
        if (agreed !== null) this.#answer(agreed);
        else if (!this.#votes.canReach(needed, asked - this.#arrived.length)) this.#noQuorum(needed);
        break;
      }
      default:
        if (isLast) this.#compose();
    }
  }

  #isSuccess(answer: FanOutAnswer): answer is FanOutResponse {
    return isSuccess(answer, this.purpose.conditional);
  }

  override clientDrained(): void {}

  override expire(nowMs: number): void {
    if (nowMs >= this.requestDeadlineMs)
      this.fail(
        'request_timeout',
        `no whole answer within ${this.rule.timeouts.requestMs} ms (timeouts.request)`,
      );
    else if (this.responded) this.#clientStalled();
    else {
      for (const branch of this.#branches) if (nowMs >= branch.deadlineMs) branch.expire();
      if (this.over || this.responded) return;
      this.deadlineMs = this.requestDeadlineMs;
      for (const branch of this.#branches) this.deadlineMs = Math.min(this.deadlineMs, branch.deadlineMs);
    }
  }

  /** What it does not take is held here, at the cost of other fan-outs. */
  #clientStalled(): void {
    this.clientGone();
    this.down.cut(true);
  }

  protected override abandon(): void {
    this.#pump?.cancel();
    this.#keepOnly(null);
  }

  /** Ends what goes on upstream, and frees all but what is to be written. */
  #keepOnly(kept: readonly FanOutAnswer[] | null): void {
    for (const branch of this.#branches) branch.cancel();
    for (const answer of this.#arrived) if ('body' in answer && !kept?.includes(answer)) answer.body.free();
    this.share.end();
  }

  protected override get bytesSent(): number {
    return this.#bytesSent;
  }

  /** One Pod's answer stands for all. */
  #answer(answer: FanOutResponse): void {
    const { body, status } = answer;
    const partial = partialValue(failedPods(this.#arrived, this.purpose.conditional), [answer]);
    const headers = answer.headers.filter(([name]) => name.toLowerCase() !== PARTIAL_FIELD.toLowerCase());
    this.#keepOnly([answer]);
    this.#write(
      { status, headers: partial === null ? headers : [...headers, [PARTIAL_FIELD, partial]] },
      new ComposedBody([new SlicePart(body, 0, body.length, true)]),
    );
  }

  #compose(): void {
    const answers = this.#pods.map((pod) => this.#byPod.get(pod)!);
    const composed = compose(this.#selection, answers, this.purpose.bodiless);
    if (composed.type === 'fail') this.fail(composed.failure, composed.detail);
    else {
      this.share.end();
      this.#write(composed, composed.body);
    }
  }

  #noQuorum(needed: number): void {
    const failed = this.#arrived.filter((answer) => !this.#isSuccess(answer));
    const succeeded = this.#arrived.length - failed.length;
    this.fail('quorum_unmet', noQuorum(succeeded, this.#votes.most, needed, this.#pods.length, failed));
  }

  #write(answer: AnswerHead, body: ComposedBody): void {
    const keep = this.mayKeep && this.requestComplete && !this.down.closing;
    const head = composedHead(answer, body.length, {
      isHead: this.purpose.bodiless,
      close: !keep,
      clientMinor: this.request.minor,
      extra: this.debugLines(),
    });
    const out = this.share.take(Math.min(BLOCK_BYTES, head.length + body.length + LEAST_ROOM));
    if (out === null) {
      this.full();
      return;
    }
    this.#status = answer.status;
    this.#keepsClient = keep;
    this.responded = true;
    this.#pump = new AnswerPump(this.down.socket, this.deps.slices, this, out, head, body);
    this.#clientTook();
    this.#pump.start();
  }

  /** From now on it may take nothing for as long as its connection may idle. */
  #clientTook(): void {
    const { idleMs } = this.listener.snapshot.config.timeouts;
    this.deadlineMs = Math.min(this.requestDeadlineMs, monotonicMs() + idleMs);
  }

  handedOn(bytes: number): void {
    this.#bytesSent += bytes;
    this.#clientTook();
  }

  written(): void {
    this.done(this.#status, null);
    this.down.finished(this.#keepsClient);
  }

  giveBack(out: Buffer, isUnused: boolean): void {
    this.share.giveBack(out, isUnused);
  }

  mistakeMet(error: unknown): void {
    crashed('client', error, { rule: this.rule.name });
    this.down.socket.destroy();
  }
}
