import type { RuleConfig } from '../../model/config.ts';
import type { PodView } from '../../model/pod.ts';
import type { BackendSnapshot } from '../../model/snapshot.ts';
import type { Tunnel } from '../forward/tunnel-registry.ts';
import type { UpstreamConnection } from '../forward/upstream-connection.ts';
import type { Piece } from '../http1/chunk-scanner.ts';
import type { ResponseReader } from '../http1/response-reader.ts';
import { type AttemptEnd, mayRepeat } from '../placement/retry.ts';
import { AnswerRelay } from './answer-relay.ts';
import { Attempt } from './attempt.ts';
import type { AttemptOwner } from './attempt-owner.ts';
import { isConnectionBound } from './connection-bound.ts';
import { HttpExchange } from './http-exchange.ts';
import { KeptBody } from './kept-body.ts';
import { learns } from './learn.ts';
import { joinUpgrade } from './upgrade.ts';
import { upgradeOf } from './upgrade-request.ts';

/**
 * One request to one Pod at a time, its answer streamed back:
 * 1. place it: pick a Pod, or hold (placement/placement.ts);
 * 2. try it (attempt.ts): connect or reuse, send the head and what there is of the body;
 * 3. refused, reset before the answer, or a status to be retried: again, where that cannot execute anything twice;
 * 4. relay the answer; the first byte of it ends all retrying.
 */
export class RoutedExchange extends HttpExchange implements AttemptOwner {
  #attempt: Attempt | null = null;
  readonly #kept = new KeptBody(this.rule.retry.attempts > 0);
  readonly #relay = new AnswerRelay(this.down.socket, this.request.minor);
  #paused = false;
  #unguard: (() => void) | null = null;
  readonly #upgrade = upgradeOf(this.request);

  start(): void {
    this.placement.begin(this.startedMs);
  }

  override canFollow({ selection }: RuleConfig): boolean {
    return selection.type !== 'FanOut';
  }

  override moved(): void {
    super.moved();
    this.#kept.canRepeat = this.rule.retry.attempts > 0;
  }

  protected override get bodySoFar(): readonly Piece[] {
    return this.#kept.pieces!;
  }

  get awaitsBody(): boolean {
    return !this.requestComplete && !this.#paused && !this.placement.isHeld;
  }

  body(pieces: readonly Piece[], complete: boolean): void {
    if (this.over) return;
    let bytes = 0;
    for (const piece of pieces) bytes += piece.length;
    this.received += bytes;
    this.requestComplete = complete;
    const attempt = this.#attempt;
    const sending = attempt?.sending === true;
    this.#kept.add(pieces, bytes, sending);
    if (sending) {
      if (!attempt!.write(pieces)) this.#pauseClient();
      if (complete) this.#endGuardWhenFlushed(attempt!);
      return;
    }
    if (this.#kept.isFull) this.#pauseClient();
    this.placement.keep(bytes);
  }

  /**
   * An upload to a leader is watched as a tunnel is until the kernel has all of it: when the Pod does not lead any more no further
   * byte goes to it (promise 4), and what it has is of unknown outcome.
   */
  #guard(attempt: Attempt): void {
    const { selection } = this.rule;
    if (selection.type !== 'Leader' || (this.requestComplete && attempt.isFlushed)) return;
    const upload: Tunnel = {
      listener: this.listener,
      podId: attempt.pod.id,
      rule: this.rule.name,
      onDemotion: selection.onDemotion,
      onUnready: 'Keep',
      destroy: () => this.fail('upstream_reset', `${attempt.pod.name} stopped leading during the upload`),
    };
    this.#unguard = this.deps.tunnels.add(upload, this.placement.backend);
    if (this.requestComplete) this.#endGuardWhenFlushed(attempt);
  }

  #endGuardWhenFlushed(attempt: Attempt): void {
    if (attempt.isFlushed) this.#endGuard();
    else
      attempt.whenFlushed(() => {
        if (this.#attempt === attempt) this.#endGuard();
      });
  }

  #endGuard(): void {
    this.#unguard?.();
    this.#unguard = null;
  }

  override place(pods: readonly PodView[], backend: BackendSnapshot, waited: boolean): void {
    // The client may have waited for a word from a Pod: `timeouts.body` begins now.
    if (waited && this.awaitsBody) this.down.resume();
    const pod = pods[0]!;
    this.pod = pod;
    const pool = this.deps.pools.of(this.placement.backend, pod);
    this.attempts++;
    this.deadlineMs = this.requestDeadlineMs;
    this.#attempt = new Attempt(this, pod, pool, backend, {
      plain: this.#upgrade !== null,
      timeoutMs: this.rule.timeouts.backendRequestMs,
      mode: this.request.minor === 0 ? 'data' : 'framed',
      mostRead: Number.POSITIVE_INFINITY,
    });
    const { bound } = this.down;
    if (bound !== null && bound.podId === pod.id && !bound.closed) this.#attempt.startOn(bound);
    else this.#attempt.start();
  }

  /** The connection is open: the last moment to see that the Pod does not lead any more (promise 4). */
  mayStillSend(pod: PodView): boolean {
    return this.placement.confirms(pod);
  }

  get wholeRequest(): boolean {
    return this.requestComplete;
  }

  bind(connection: UpstreamConnection): boolean {
    if (this.down.bound === connection) return true;
    if (!isConnectionBound(this.request, connection.reader.head)) return false;
    this.down.bind(connection);
    return true;
  }

  rerouted(): void {
    this.#attempt = null;
    this.placement.route();
  }

  /** Head and body so far, once there is a connection to write them to. */
  sendTo(attempt: Attempt): void {
    const pod = this.pod!;
    this.sent = true;
    this.placement.sent();
    const kept = this.#kept.pieces!;
    this.#kept.sent();
    const written = attempt.send(this.request, this.down.peer, this.deps.hopName, this.#upgrade, pod, kept);
    this.deadlineMs = Math.min(this.requestDeadlineMs, attempt.deadlineMs);
    if (written) this.#resumeClient();
    else this.#pauseClient();
    this.#guard(attempt);
  }

  upstreamDrained(): void {
    this.#resumeClient();
  }

  connectFailed(attempt: Attempt, reason: string): void {
    const { pod } = attempt;
    this.#attempt = null;
    this.deps.outcomes.report({ kind: 'connect_failed', podId: pod.id, reason });
    if (!this.placement.awaitNextLeader(pod, attempt.backend))
      this.#again(attempt, 'connect_failed', 'connect_failed', `${pod.name}: ${reason}`);
  }

  /** Another Pod may still be asked: local ports run out for one address at a time. Of the leader there is no other. */
  notAsked(attempt: Attempt, reason: string): void {
    this.#attempt = null;
    if (this.#mayTryAgain()) this.placement.retry(attempt.pod, 'local_error');
    else this.fail('overloaded', `no connection to ${attempt.pod.name} could be made: ${reason}`);
  }

  /** The answer's head is there. @returns whether the attempt goes on with its body */
  answered(attempt: Attempt, reader: ResponseReader): boolean {
    const { head } = reader;
    const { selection, retry } = this.rule;
    const rule = selection.type === 'Leader' ? learns(attempt.backend.config.leader, head) : null;
    if (rule !== null && selection.type === 'Leader') {
      this.deps.outcomes.report({
        kind: 'not_leader',
        podId: attempt.pod.id,
        hint: rule.hint,
      });
      if (this.#kept.pieces !== null && retry.attempts > 0 && selection.hold.timeoutMs > 0) {
        attempt.count('not_leader');
        this.#drop(attempt);
        this.placement.turnedAway(attempt.pod, attempt.backend);
        return false;
      }
    }
    if (
      retry.codes.includes(head.status) &&
      mayRepeat(this.request.method, 'status') &&
      this.#mayTryAgain()
    ) {
      attempt.count(`status_${head.status}`);
      this.#drop(attempt);
      this.placement.retry(attempt.pod, 'status');
      return false;
    }
    return true;
  }

  interim(_attempt: Attempt, reader: ResponseReader): void {
    this.#relay.interim(reader.head);
  }

  relay(attempt: Attempt, reader: ResponseReader, pieces: readonly Piece[]): void {
    const mayKeep = this.mayKeep && this.requestComplete && !this.down.closing;
    this.responded = true;
    this.#relay.begin(attempt, reader, pieces, mayKeep, this.debugLines());
    this.endsByClose = this.#relay.endsByClose;
  }

  relayBody(attempt: Attempt, pieces: readonly Piece[]): void {
    this.#relay.body(attempt, pieces);
  }

  /** The whole answer has been handed on. */
  finished(_attempt: Attempt, reader: ResponseReader): void {
    this.#endGuard();
    this.#attempt = null;
    this.done(reader.head.status, null);
    this.down.finished(this.#relay.keepsClient);
  }

  /** The connection ended, or the Pod said something that is not HTTP. */
  failed(attempt: Attempt, kind: 'reset' | 'protocol', detail: string): void {
    this.#endGuard();
    this.#attempt = null;
    const { pod } = attempt;
    this.deps.outcomes.report({ kind: 'failed', podId: pod.id, reason: detail });
    if (kind === 'reset') this.#again(attempt, 'reset', 'upstream_reset', `${pod.name}: ${detail}`);
    else this.fail('upstream_protocol', `${pod.name} answered with ${detail}`);
  }

  switched(attempt: Attempt, reader: ResponseReader, rest: Buffer): void {
    this.#attempt = null;
    this.responded = true;
    this.#relay.switching(reader.head, this.debugLines());
    this.done(101, null);
    joinUpgrade(this.deps, this.down, attempt, rest, this.rule, this.listener);
  }

  get upgradeProtocol(): string | null {
    return this.#upgrade;
  }

  override clientDrained(): void {
    this.#attempt?.resume();
  }

  override expire(nowMs: number): void {
    const attempt = this.#attempt;
    if (nowMs >= this.requestDeadlineMs) {
      attempt?.count('timeout');
      this.fail(
        'request_timeout',
        `no whole answer within ${this.rule.timeouts.requestMs} ms (timeouts.request)`,
      );
    } else if (attempt !== null && nowMs >= attempt.deadlineMs) {
      attempt.count('timeout');
      this.deps.outcomes.report({ kind: 'failed', podId: attempt.pod.id, reason: 'timed out' });
      this.fail(
        'backend_timeout',
        `${attempt.pod.name} gave no whole answer within ${this.rule.timeouts.backendRequestMs} ms (timeouts.backendRequest)`,
      );
    }
  }

  protected override abandon(): void {
    this.#endGuard();
    const attempt = this.#attempt;
    this.#attempt = null;
    attempt?.abort();
  }

  protected override get bytesSent(): number {
    return this.#relay.bytesSent;
  }

  /** The attempt failed: another one where that is safe, else the failure. */
  #again(
    attempt: Attempt,
    end: AttemptEnd,
    failure: 'connect_failed' | 'upstream_reset',
    detail: string,
  ): void {
    if (!this.responded && mayRepeat(this.request.method, end) && this.#mayTryAgain())
      this.placement.retry(attempt.pod, end);
    else this.fail(failure, detail);
  }

  #mayTryAgain(): boolean {
    return this.#kept.pieces !== null && this.placement.spendRetry(this.attempts);
  }

  #drop(attempt: Attempt): void {
    this.#endGuard();
    this.#attempt = null;
    attempt.abort();
  }

  #pauseClient(): void {
    if (this.#paused || this.requestComplete) return;
    this.#paused = true;
    this.down.pause();
  }

  #resumeClient(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.down.resume();
  }
}
