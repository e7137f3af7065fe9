import type { RuleConfig } from '../../model/config.ts';
import type { PodView } from '../../model/pod.ts';
import type { BackendSnapshot } from '../../model/snapshot.ts';
import { after, monotonicMs, type Timer } from '../../platform/clock.ts';
import { runGuarded } from '../../platform/guard.ts';
import type { Tunnel } from '../forward/tunnel-registry.ts';
import type { UpstreamConnection } from '../forward/upstream-connection.ts';
import type { Piece } from '../http1/chunk-scanner.ts';
import type { ResponseReader } from '../http1/response-reader.ts';
import { type AttemptEnd, mayRepeat } from '../placement/retry.ts';
import { TurnedAway } from '../placement/turned-away.ts';
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
 * 1. pick a Pod, or hold (http-exchange.ts);
 * 2. try it (attempt.ts): connect or reuse, send the head and what there is of the body;
 * 3. refused, reset before the answer, or a status to be retried: again, where that cannot execute anything twice;
 * 4. relay the answer; the first byte of it ends all retrying.
 */
export class RoutedExchange extends HttpExchange implements AttemptOwner {
  #attempt: Attempt | null = null;
  readonly #kept = new KeptBody(this.rule.retry.attempts > 0);
  #backoff: Timer | null = null;
  readonly #relay = new AnswerRelay(this.down.socket, this.request.minor);
  #paused = false;
  #unguard: (() => void) | null = null;
  #turnedAway: TurnedAway | null = null;
  readonly #upgrade = upgradeOf(this.request);

  start(): void {
    this.runtime.budget?.request(this.startedMs);
    this.route();
  }

  protected override canFollow({ selection }: RuleConfig): boolean {
    return selection.type !== 'FanOut';
  }

  protected override moved(): void {
    this.#kept.canRepeat = this.rule.retry.attempts > 0;
    this.runtime.budget?.request(monotonicMs());
  }

  protected override get bodySoFar(): readonly Piece[] {
    return this.#kept.pieces!;
  }

  get awaitsBody(): boolean {
    return !this.requestComplete && !this.#paused && !this.isHeld;
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
    this.keepHeld(bytes);
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
    this.#unguard = this.deps.tunnels.add(upload, this.backend);
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

  protected override picked(pods: readonly PodView[], backend: BackendSnapshot): void {
    const pod = pods[0]!;
    this.pod = pod;
    const pool = this.deps.pools.of(this.backend, pod);
    if (pool.inFlight >= backend.config.connection.maxPerPod) {
      if (!this.tried(pod.id)) {
        this.avoid(pod.id);
        const next = this.pickNow(backend);
        if (next.type === 'pod' && next.pod.id !== pod.id) {
          this.picked([next.pod], backend);
          return;
        }
      }
      this.fail('overloaded', `${pod.name} has ${pool.inFlight} requests in flight (connection.maxPerPod)`);
      return;
    }
    this.attempts++;
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
    if (this.rule.selection.type !== 'Leader') return true;
    const pick = this.pickNow(this.deps.cell.current().backends.get(this.backend));
    return pick.type === 'pod' && pick.pod.id === pod.id;
  }

  /** While it waits for another reign, rounds of probes go on: a leader that says no is no leader, whatever it claims. */
  protected override waitsOn(backend: BackendSnapshot | undefined): void {
    const leader = backend?.leadership.leader ?? null;
    if (leader !== null && this.#turnedAway?.mayBeSentAgain === true)
      this.deps.outcomes.report({ kind: 'not_leader', podId: leader.id, hint: null });
  }

  override barred(leader: PodView, reign: number): string | null {
    return this.#turnedAway?.barred(leader, reign) ?? null;
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
    this.route();
  }

  /** Head and body so far, once there is a connection to write them to. */
  sendTo(attempt: Attempt): void {
    const pod = this.pod!;
    this.sent = true;
    this.#turnedAway?.sentAgain();
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
    const awaitsLeader = this.rule.selection.type === 'Leader' && this.rule.retry.attempts > 0;
    if (awaitsLeader) {
      // Nothing was sent, and only a leader may get it: the next one is waited for, however many refuse meanwhile.
      this.minLeaderRevision = attempt.backend.leadership.revision + 1;
      this.runtime.retried('connect_failed');
      this.route();
    } else this.#again(attempt, 'connect_failed', 'connect_failed', `${pod.name}: ${reason}`);
  }

  /** Another Pod may still be asked: local ports run out for one address at a time. Of the leader there is no other. */
  notAsked(attempt: Attempt, reason: string): void {
    this.#attempt = null;
    if (this.#mayTryAgain()) this.#tryAgain(attempt, 'local_error');
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
        this.#turnedAway ??= new TurnedAway(retry.attempts);
        this.#turnedAway.add(attempt.pod.id, attempt.backend.leadership.reign);
        this.runtime.retried('not_leader');
        this.route();
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
      this.#tryAgain(attempt, 'status');
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

  crashed(): void {
    this.down.socket.destroy();
  }

  protected override abandon(): void {
    this.#endGuard();
    this.#backoff?.clear();
    this.#backoff = null;
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
      this.#tryAgain(attempt, end);
    else this.fail(failure, detail);
  }

  #mayTryAgain(): boolean {
    if (this.#kept.pieces === null || this.attempts > this.rule.retry.attempts) return false;
    return this.runtime.budget?.spend(monotonicMs()) ?? true;
  }

  #tryAgain(attempt: Attempt, reason: string): void {
    this.avoid(attempt.pod.id);
    this.runtime.retried(reason);
    this.deadlineMs = this.requestDeadlineMs;
    const { backoffMs } = this.rule.retry;
    if (backoffMs === 0) this.route();
    else
      this.#backoff = after(backoffMs, () => {
        this.#backoff = null;
        runGuarded(
          'client',
          () => this.route(),
          () => this.crashed(),
        );
      });
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
