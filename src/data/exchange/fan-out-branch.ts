import type { PodView } from '../../model/pod.ts';
import { monotonicMs } from '../../platform/clock.ts';
import type { SlicedWork, WorkSlices } from '../../platform/work-slices.ts';
import type { AnswerHead, FanOutAnswer } from '../merge/answer.ts';
import { AnswerBody, type BodyPurpose } from '../merge/answer-body.ts';
import type { Fields, Piece, ResponseMessage } from '../stream/message.ts';
import type { Upstream, UpstreamEvents } from '../stream/upstream.ts';
import type { FanOutShare } from './fan-out-memory.ts';

const NEVER = Number.POSITIVE_INFINITY;
/** What reading one block and copying it takes, roughly. */
const READ_MS = 0.1;

/** What the branches of one fan-out share. */
export interface FanOutPlan {
  readonly timeoutMs: number;
  readonly maxResponseBytes: number;
  readonly purpose: BodyPurpose;
  readonly share: FanOutShare;
  readonly slices: WorkSlices;
}

/** Whose branches they are. */
export interface FanOutOwner {
  /** Asks the Pod. */
  open(pod: PodView, events: UpstreamEvents): Upstream;
  /** It may be sent now. @param overdueMs when the whole answer is (monotonic milliseconds) */
  send(upstream: Upstream, overdueMs: number): void;
  /** There is no room for what a Pod answers. */
  full(): void;
  /** A branch has its answer, or in words why there is none. Called once for each, not after `cancel`. */
  arrived(branch: FanOutBranch, answer: FanOutAnswer): void;
  connectFailed(podId: number, reason: string): void;
  failed(podId: number, reason: string): void;
  mistakeMet(error: unknown): void;
}

/**
 * One Pod's part in a fan-out: its answer, kept up to `maxResponseBytes` and looked at as it comes, a little in each turn of the
 * event loop. What comes faster than it is looked at stays with the Pod.
 */
export class FanOutBranch implements UpstreamEvents, SlicedWork {
  readonly pod: PodView;
  readonly #plan: FanOutPlan;
  readonly #owner: FanOutOwner;
  readonly #upstream: Upstream;
  /** When the whole answer is overdue (monotonic milliseconds). */
  #overdueMs = NEVER;
  #head: AnswerHead | null = null;
  #body: AnswerBody | null = null;
  #bytes = 0;
  /** It waits for its turn to look at what came. */
  #isQueued = false;
  #isPaused = false;
  /** All has come. */
  #isComplete = false;
  #over = false;

  constructor(pod: PodView, plan: FanOutPlan, owner: FanOutOwner) {
    this.pod = pod;
    this.#plan = plan;
    this.#owner = owner;
    this.#upstream = owner.open(pod, this);
  }

  get deadlineMs(): number {
    return this.#over || this.#isComplete ? NEVER : this.#overdueMs;
  }

  cancel(): void {
    if (this.#over) return;
    this.#over = true;
    this.#body?.blocks.free();
    this.#upstream.abort();
  }

  expire(): void {
    if (this.#over) return;
    // Where we are behind with what it sent it is not the Pod that is slow.
    if (!this.#isQueued) this.#owner.failed(this.pod.id, 'timed out');
    this.#upstream.abort('timeout');
    this.#fail(`no whole answer within ${this.#plan.timeoutMs} ms`);
  }

  opened(): void {
    const { timeoutMs } = this.#plan;
    if (timeoutMs > 0) this.#overdueMs = monotonicMs() + timeoutMs;
    this.#owner.send(this.#upstream, this.#overdueMs);
  }

  drained(): void {}

  unopened(kind: 'local' | 'pod', reason: string): void {
    if (kind === 'pod') this.#owner.connectFailed(this.pod.id, reason);
    this.#fail(reason);
  }

  head(message: ResponseMessage): void {
    if (message.status < 200) return;
    if (!this.#plan.share.hold(message.headBytes)) {
      this.#owner.full();
      return;
    }
    const { status, contentLength } = message;
    this.#head = { status, headers: message.fieldList() };
    this.#body = new AnswerBody(this.#plan.purpose, this.#head, this.#plan.share, Math.max(0, contentLength));
    if (contentLength > this.#plan.maxResponseBytes) this.#tooLarge();
  }

  received(pieces: readonly Piece[]): void {
    const body = this.#body!;
    for (const piece of pieces) {
      this.#bytes += piece.length;
      if (this.#bytes > this.#plan.maxResponseBytes) {
        this.#tooLarge();
        return;
      }
      if (!body.push(typeof piece === 'string' ? Buffer.from(piece, 'latin1') : piece)) {
        this.#owner.full();
        return;
      }
    }
    if (!this.#isQueued) {
      this.#isQueued = true;
      this.#plan.slices.add(this);
    }
    if (!this.#isQueued || this.#isPaused) return;
    this.#isPaused = true;
    this.#upstream.pause();
  }

  #tooLarge(): void {
    this.#upstream.abort('too_large');
    this.#fail(`its answer is over ${this.#plan.maxResponseBytes} bytes`);
  }

  step(): boolean {
    if (this.#over) return false;
    const body = this.#body!;
    body.step();
    if (body.isBehind) return true;
    this.#isQueued = false;
    if (this.#isComplete) this.#arrive();
    else if (this.#isPaused) {
      this.#isPaused = false;
      this.#plan.slices.charge(READ_MS);
      this.#upstream.resume();
    }
    return false;
  }

  crashed(error: unknown): void {
    this.#owner.mistakeMet(error);
  }

  ended(_trailers: Fields): void {
    if (this.#over) return;
    this.#isComplete = true;
    if (!this.#isQueued) this.#arrive();
  }

  broken(_kind: 'reset' | 'protocol', detail: string): void {
    this.#owner.failed(this.pod.id, detail);
    this.#fail(detail);
  }

  #arrive(): void {
    this.#over = true;
    const { blocks } = this.#body!;
    const finding = this.#body!.finish();
    this.#owner.arrived(this, { pod: this.pod.name, ...this.#head!, body: blocks, finding });
  }

  #fail(error: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#body?.blocks.free();
    this.#owner.arrived(this, { pod: this.pod.name, error });
  }
}
