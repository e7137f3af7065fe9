import type { PodView } from '../../model/pod.ts';
import type { BackendSnapshot } from '../../model/snapshot.ts';
import type { SlicedWork, WorkSlices } from '../../platform/work-slices.ts';
import type { PodPool } from '../forward/upstream-pool.ts';
import type { Piece } from '../http1/chunk-scanner.ts';
import type { ResponseHead } from '../http1/response-head.ts';
import type { ResponseReader } from '../http1/response-reader.ts';
import type { AnswerHead, FanOutAnswer } from '../merge/answer.ts';
import { AnswerBody, type BodyPurpose } from '../merge/answer-body.ts';
import { BLOCK_BYTES } from '../merge/blocks.ts';
import { Attempt } from './attempt.ts';
import type { AttemptOwner } from './attempt-owner.ts';
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
  /** There is no room for what a Pod answers. */
  full(): void;
  send(attempt: Attempt): void;
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
export class FanOutBranch implements AttemptOwner, SlicedWork {
  readonly upgradeProtocol = null;
  readonly wholeRequest = true;
  readonly pod: PodView;
  readonly #plan: FanOutPlan;
  readonly #attempt: Attempt;
  #head: AnswerHead | null = null;
  #body: AnswerBody | null = null;
  #bytes = 0;
  /** It waits for its turn to look at what came. */
  #isQueued = false;
  #isPaused = false;
  /** All has come. */
  #isComplete = false;
  #over = false;

  constructor(pod: PodView, pool: PodPool, backend: BackendSnapshot, plan: FanOutPlan) {
    this.pod = pod;
    this.#plan = plan;
    this.#attempt = new Attempt(this, pod, pool, backend, {
      plain: false,
      timeoutMs: plan.timeoutMs,
      mode: 'data',
      // It is copied into blocks of that size, and many may come at once.
      mostRead: BLOCK_BYTES,
    });
  }

  start(): void {
    this.#attempt.start();
  }

  get deadlineMs(): number {
    return this.#over || this.#isComplete ? NEVER : this.#attempt.deadlineMs;
  }

  cancel(): void {
    if (this.#over) return;
    this.#over = true;
    this.#body?.blocks.free();
    this.#attempt.abort();
  }

  expire(): void {
    if (this.#over) return;
    this.#attempt.count('timeout');
    // Where we are behind with what it sent it is not the Pod that is slow.
    if (!this.#isQueued) this.#plan.failed(this.pod.id, 'timed out');
    this.#attempt.abort();
    this.#fail(`no whole answer within ${this.#plan.timeoutMs} ms`);
  }

  mayStillSend(): boolean {
    return true;
  }

  rerouted(): void {}

  bind(): boolean {
    return false;
  }

  sendTo(attempt: Attempt): void {
    this.#plan.send(attempt);
  }

  upstreamDrained(): void {}

  interim(): void {}

  switched(): void {}

  connectFailed(_attempt: Attempt, reason: string): void {
    this.#plan.connectFailed(this.pod.id, reason);
    this.#fail(reason);
  }

  notAsked(_attempt: Attempt, reason: string): void {
    this.#fail(reason);
  }

  answered(): boolean {
    return true;
  }

  relay(attempt: Attempt, reader: ResponseReader, pieces: readonly Piece[]): void {
    const { head } = reader;
    const expected = reader.framing === 'length' ? head.contentLength : 0;
    if (!this.#plan.share.hold(head.text.length)) {
      this.#plan.full();
      return;
    }
    this.#head = { status: head.status, headers: headersOf(head) };
    this.#body = new AnswerBody(this.#plan.purpose, this.#head, this.#plan.share, expected);
    if (expected > this.#plan.maxResponseBytes) this.#tooLarge(attempt);
    else this.relayBody(attempt, pieces);
  }

  relayBody(attempt: Attempt, pieces: readonly Piece[]): void {
    const body = this.#body!;
    for (const piece of pieces) {
      this.#bytes += piece.length;
      if (this.#bytes > this.#plan.maxResponseBytes) {
        this.#tooLarge(attempt);
        return;
      }
      if (!body.push(typeof piece === 'string' ? Buffer.from(piece, 'latin1') : piece)) {
        this.#plan.full();
        return;
      }
    }
    if (!this.#isQueued) {
      this.#isQueued = true;
      this.#plan.slices.add(this);
    }
    if (!this.#isQueued || this.#isPaused) return;
    this.#isPaused = true;
    attempt.pause();
  }

  #tooLarge(attempt: Attempt): void {
    attempt.count('too_large');
    attempt.abort();
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
      this.#attempt.resume();
    }
    return false;
  }

  crashed(error: unknown): void {
    this.#plan.mistakeMet(error);
  }

  finished(): void {
    if (this.#over) return;
    this.#isComplete = true;
    if (!this.#isQueued) this.#arrive();
  }

  failed(_attempt: Attempt, _kind: 'reset' | 'protocol', detail: string): void {
    this.#plan.failed(this.pod.id, detail);
    this.#fail(detail);
  }

  #arrive(): void {
    this.#over = true;
    const { blocks } = this.#body!;
    const finding = this.#body!.finish();
    this.#plan.arrived(this, { pod: this.pod.name, ...this.#head!, body: blocks, finding });
  }

  #fail(error: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#body?.blocks.free();
    this.#plan.arrived(this, { pod: this.pod.name, error });
  }
}

function headersOf(head: ResponseHead): [string, string][] {
  const { fields, text, connection } = head;
  const headers: [string, string][] = [];
  for (let i = 0; i < fields.count; i++) {
    const name = text.slice(fields.offsets[i * 4]!, fields.offsets[i * 4 + 1]!);
    if (!connection.nominated?.has(name.toLowerCase())) headers.push([name, head.value(i)]);
  }
  return headers;
}
