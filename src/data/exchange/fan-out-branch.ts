import type { PodView } from '../../model/pod.ts';
import type { BackendSnapshot } from '../../model/snapshot.ts';
import { CompactPieces } from '../compact-pieces.ts';
import type { PodPool } from '../forward/upstream-pool.ts';
import type { Piece } from '../http1/chunk-scanner.ts';
import type { ResponseHead } from '../http1/response-head.ts';
import type { ResponseReader } from '../http1/response-reader.ts';
import type { FanOutAnswer } from '../merge/answer.ts';
import { Attempt } from './attempt.ts';
import type { AttemptOwner } from './attempt-owner.ts';

/** What the branches of one fan-out share. */
export interface FanOutPlan {
  readonly timeoutMs: number;
  readonly maxResponseBytes: number;
  send(attempt: Attempt): void;
  /** A branch's deadline is another now. */
  connecting(): void;
  /** A branch has its answer, or in words why there is none. Called once for each, not after `cancel`. */
  arrived(branch: FanOutBranch, answer: FanOutAnswer): void;
  connectFailed(podId: number, reason: string): void;
  failed(podId: number, reason: string): void;
}

/** One Pod's part in a fan-out: its whole answer, kept up to `maxResponseBytes`. */
export class FanOutBranch implements AttemptOwner {
  readonly upgradeProtocol = null;
  readonly wholeRequest = true;
  readonly pod: PodView;
  readonly #plan: FanOutPlan;
  readonly #attempt: Attempt;
  #head: { status: number; headers: [string, string][] } | null = null;
  #body = new CompactPieces();
  #bytes = 0;
  #over = false;

  constructor(pod: PodView, pool: PodPool, backend: BackendSnapshot, plan: FanOutPlan) {
    this.pod = pod;
    this.#plan = plan;
    this.#attempt = new Attempt(this, pod, pool, backend, {
      plain: false,
      timeoutMs: plan.timeoutMs,
      mode: 'data',
    });
  }

  start(): void {
    this.#attempt.start();
  }

  get over(): boolean {
    return this.#over;
  }

  get deadlineMs(): number {
    return this.#over ? Number.POSITIVE_INFINITY : this.#attempt.deadlineMs;
  }

  cancel(): void {
    if (this.#over) return;
    this.#over = true;
    this.#attempt.abort();
  }

  expire(): void {
    if (this.#over) return;
    if (!this.#attempt.sending) {
      this.#attempt.connectTimedOut();
      return;
    }
    this.#attempt.count('timeout');
    this.#plan.failed(this.pod.id, 'timed out');
    this.#attempt.abort();
    this.#end({ pod: this.pod.name, error: `no whole answer within ${this.#plan.timeoutMs} ms` });
  }

  connecting(): void {
    this.#plan.connecting();
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
    this.#end({ pod: this.pod.name, error: reason });
  }

  notAsked(_attempt: Attempt, reason: string): void {
    this.#end({ pod: this.pod.name, error: reason });
  }

  answered(): boolean {
    return true;
  }

  relay(attempt: Attempt, reader: ResponseReader, pieces: readonly Piece[]): void {
    const { head } = reader;
    this.#head = { status: head.status, headers: headersOf(head) };
    this.relayBody(attempt, pieces);
  }

  relayBody(attempt: Attempt, pieces: readonly Piece[]): void {
    // A copy, for the buffer that it was read into is used again; one for all, for chunks may be of single bytes.
    const copy = Buffer.concat(pieces.map((piece) => (typeof piece === 'string' ? latin1(piece) : piece)));
    this.#bytes += copy.length;
    this.#body.add(copy);
    if (this.#bytes <= this.#plan.maxResponseBytes) return;
    attempt.count('too_large');
    attempt.abort();
    this.#end({ pod: this.pod.name, error: `its answer is over ${this.#plan.maxResponseBytes} bytes` });
  }

  finished(): void {
    this.#end({ pod: this.pod.name, ...this.#head!, body: Buffer.concat(this.#body.list as Buffer[]) });
  }

  failed(_attempt: Attempt, _kind: 'reset' | 'protocol', detail: string): void {
    this.#plan.failed(this.pod.id, detail);
    this.#end({ pod: this.pod.name, error: detail });
  }

  #end(answer: FanOutAnswer): void {
    if (this.#over) return;
    this.#over = true;
    this.#body = new CompactPieces();
    this.#plan.arrived(this, answer);
  }
}

function latin1(text: string): Buffer {
  return Buffer.from(text, 'latin1');
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
