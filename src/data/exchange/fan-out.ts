import type { FanOutSelection, RuleConfig } from '../../model/config.ts';
import type { PodView } from '../../model/pod.ts';
import type { BackendSnapshot } from '../../model/snapshot.ts';
import { monotonicMs } from '../../platform/clock.ts';
import { crashed } from '../../platform/guard.ts';
import { Sha256 } from '../../platform/sha256.ts';
import type { WorkSlices } from '../../platform/work-slices.ts';
import { CompactPieces } from '../compact-pieces.ts';
import type { AnswerHead, FanOutAnswer, FanOutResponse } from '../merge/answer.ts';
import type { BodyPurpose } from '../merge/answer-body.ts';
import { BLOCK_BYTES } from '../merge/blocks.ts';
import type { ComposedBody } from '../merge/composed-body.ts';
import { Gathering } from '../merge/gathering.ts';
import { type FanOutRefusal, fanOutRefusal, TOO_LARGE } from '../placement/decide.ts';
import { KEPT_BODY_BYTES } from '../placement/retry.ts';
import { NO_FIELDS, type Piece } from '../stream/message.ts';
import type { Upstream, UpstreamEvents } from '../stream/upstream.ts';
import { AnswerPump, LEAST_ROOM, type PumpOwner } from './answer-pump.ts';
import { Course, type CourseOwner, type Decided } from './course.ts';
import type { ExchangeDeps } from './exchange-deps.ts';
import { FanOutBranch, type FanOutOwner, type FanOutPlan } from './fan-out-branch.ts';
import { type FanOutMemory, FanOutShare } from './fan-out-memory.ts';
import { asksForNews, notSent } from './fan-out-request.ts';
import type { StartedExchange } from './start-exchange.ts';

/** What it takes, roughly, to write a request once its connection is open. */
const ASK_MS = 0.05;

/**
 * One request to many Pods (SPEC 3, Fan-out): the body is kept whole, each Pod gets it once, and the selection's `respond`
 * decides when there is an answer and what it is (merge/gathering.ts). Answers are looked at as they come (fan-out-branch.ts), and the
 * answer made of them is written as the client takes it (answer-pump.ts).
 */
export class FanOut implements StartedExchange, CourseOwner, FanOutPlan, FanOutOwner, PumpOwner {
  readonly purpose: BodyPurpose;
  readonly share: FanOutShare;
  readonly slices: WorkSlices;
  readonly #course: Course;
  readonly #deps: ExchangeDeps;
  readonly #selection: FanOutSelection;
  readonly #body = new CompactPieces();
  /** Of those that were asked so far. */
  readonly #branches: FanOutBranch[] = [];
  #backend: BackendSnapshot | null = null;
  #answers: Gathering | null = null;
  #pump: AnswerPump | null = null;
  #status = 0;
  #isStarted = false;

  constructor(selection: FanOutSelection, deps: ExchangeDeps, decided: Decided, memory: FanOutMemory) {
    const { request, listener } = decided;
    this.#deps = deps;
    this.slices = deps.slices;
    this.#course = new Course(this, deps, decided);
    this.#selection = selection;
    this.share = new FanOutShare(memory, listener.snapshot.config.limits.fanOutBytes);
    this.purpose = {
      selection,
      bodiless: request.method === 'HEAD',
      conditional: asksForNews(request, selection),
      newDigest: () => new Sha256(),
    };
  }

  start(): void {
    const { request, requestComplete, received, placement, startedMs, client } = this.#course;
    this.#isStarted = true;
    const refusal = fanOutRefusal(this.#selection, request);
    if (refusal !== null) this.#refuse(refusal);
    else if (requestComplete) placement.begin(startedMs);
    // The body is read before a Pod is asked: who waits for a word to send it must have it from here.
    else if (received === 0 && request.expectsContinue) client.answer.interim(null);
  }

  #refuse({ failure, detail, status }: FanOutRefusal): void {
    this.#course.fail(failure, detail, status);
  }

  get timeoutMs(): number {
    return this.#course.rule.timeouts.backendRequestMs;
  }

  get maxResponseBytes(): number {
    return this.#selection.maxResponseBytes;
  }

  get deadlineMs(): number {
    return this.#course.deadlineMs;
  }

  /** Only the backend's name may be another: by another rule it begins anew, for it has asked nobody yet. */
  canFollow({ selection }: RuleConfig): boolean {
    return selection === this.#selection;
  }

  moved(): void {}

  get bodySoFar(): readonly Piece[] {
    return this.#body.list;
  }

  get awaitsBody(): boolean {
    return !this.#course.requestComplete;
  }

  body(pieces: readonly Piece[], complete: boolean): void {
    const course = this.#course;
    if (course.over) return;
    course.requestComplete = complete;
    let bytes = 0;
    for (const piece of pieces) {
      bytes += piece.length;
      this.#body.add(piece);
    }
    course.received += bytes;
    if (course.received > KEPT_BODY_BYTES) this.#refuse(TOO_LARGE);
    else if (!this.share.hold(bytes)) this.full();
    else if (complete && this.#isStarted) course.placement.begin(course.startedMs);
  }

  bodyFailed(failure: 'body_invalid' | 'body_timeout', detail: string): void {
    this.#course.fail(failure, detail);
  }

  clientGone(): void {
    this.#course.leave();
  }

  shutDown(): void {
    this.#course.fail('draining', 'the sidecar shuts down');
  }

  full(): void {
    this.#course.fail(
      'overloaded',
      `the fan-outs of this listener hold all of its ${this.share.limit} bytes (limits.fanOutBytes)`,
    );
  }

  place(pods: readonly PodView[], backend: BackendSnapshot): void {
    if (!this.share.hasRoom) {
      this.full();
      return;
    }
    this.#course.pickedAll(pods);
    this.#backend = backend;
    this.#answers = new Gathering(this.purpose, pods);
    this.slices.add({
      step: () => this.#askNext(pods),
      crashed: (error) => this.mistakeMet(error),
    });
  }

  /** Many connections that were opened, or written to, in one turn would make it a long one. @returns whether there are more */
  #askNext(pods: readonly PodView[]): boolean {
    if (this.#course.over || this.#course.responded) return false;
    this.#branches.push(new FanOutBranch(pods[this.#branches.length]!, this, this));
    this.slices.charge(ASK_MS);
    return this.#branches.length < pods.length;
  }

  open(pod: PodView, events: UpstreamEvents): Upstream {
    const { request, client, placement } = this.#course;
    const ask = {
      request,
      asker: client,
      pod,
      backend: placement.backend,
      snapshot: this.#backend!,
      // It is copied into blocks of that size, and many may come at once.
      gathered: { without: notSent(this.#selection), mostRead: BLOCK_BYTES },
    };
    return this.#deps.upstreams.open(ask, events);
  }

  send(upstream: Upstream, overdueMs: number): void {
    const course = this.#course;
    course.tried();
    course.deadlineMs = Math.min(course.deadlineMs, overdueMs);
    upstream.send(this.#body.list, true);
  }

  connectFailed(podId: number, reason: string): void {
    this.#deps.outcomes.report({ kind: 'connect_failed', podId, reason });
  }

  failed(podId: number, reason: string): void {
    this.#deps.outcomes.report({ kind: 'failed', podId, reason });
  }

  arrived({ pod }: FanOutBranch, answer: FanOutAnswer): void {
    const verdict = this.#answers!.add(pod, answer);
    if (verdict === null) return;
    if (verdict.type === 'fail') {
      this.#course.fail('quorum_unmet', verdict.detail);
      return;
    }
    const { chosen, head, body } = verdict;
    if (chosen === null) this.share.end();
    else this.#keepOnly(chosen);
    this.#write(head, body);
  }

  expire(nowMs: number): void {
    const course = this.#course;
    if (nowMs >= course.requestDeadlineMs) course.failOverdue();
    else if (course.responded) this.#clientStalled();
    else {
      for (const branch of this.#branches) if (nowMs >= branch.deadlineMs) branch.expire();
      if (course.over || course.responded) return;
      course.deadlineMs = course.requestDeadlineMs;
      for (const branch of this.#branches) course.deadlineMs = Math.min(course.deadlineMs, branch.deadlineMs);
    }
  }

  /** What it does not take is held here, at the cost of other fan-outs. */
  #clientStalled(): void {
    this.#course.leave();
    this.#course.client.abort();
  }

  abandon(): void {
    this.#pump?.cancel();
    this.#keepOnly(null);
  }

  /** Ends what goes on upstream, and frees all but what is to be written. */
  #keepOnly(chosen: FanOutResponse | null): void {
    for (const branch of this.#branches) branch.cancel();
    this.#answers?.free(chosen);
    this.share.end();
  }

  #write(head: AnswerHead, body: ComposedBody): void {
    const course = this.#course;
    const { answer } = course.client;
    const out = this.share.take(Math.min(BLOCK_BYTES, body.length + LEAST_ROOM));
    if (out === null) {
      this.full();
      return;
    }
    answer.compose({ status: head.status, headers: [...head.headers, ...course.debugFields()] }, body.length);
    this.#status = head.status;
    course.answered();
    this.#pump = new AnswerPump(answer, this.slices, this, out, body);
    this.#clientTook();
    this.#pump.start();
  }

  /** From now on it may take nothing for as long as its connection may idle. */
  #clientTook(): void {
    const { listener, requestDeadlineMs } = this.#course;
    const { idleMs } = listener.snapshot.config.timeouts;
    this.#course.deadlineMs = Math.min(requestDeadlineMs, monotonicMs() + idleMs);
  }

  handedOn(bytes: number): void {
    this.#course.bytesSent += bytes;
    this.#clientTook();
  }

  written(): void {
    this.#course.end(this.#status, null);
    this.#course.client.answer.end(NO_FIELDS);
  }

  giveBack(out: Buffer, isUnused: boolean): void {
    this.share.giveBack(out, isUnused);
  }

  mistakeMet(error: unknown): void {
    crashed('client', error, { rule: this.#course.rule.name });
    this.#course.client.abort();
  }
}
