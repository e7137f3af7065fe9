import type { RuleConfig } from '../../model/config.ts';
import type { PodView } from '../../model/pod.ts';
import type { BackendSnapshot } from '../../model/snapshot.ts';
import { monotonicMs } from '../../platform/clock.ts';
import { runGuarded } from '../../platform/guard.ts';
import type { Departure } from '../placement/departure.ts';
import { type AttemptEnd, mayRepeat } from '../placement/retry.ts';
import type { Fields, Piece, ResponseMessage } from '../stream/message.ts';
import type { JointEnd, StreamTerms } from '../stream/raw.ts';
import type { Taken, Upstream, UpstreamEvents } from '../stream/upstream.ts';
import { Course, type CourseOwner, type Decided } from './course.ts';
import type { ExchangeDeps } from './exchange-deps.ts';
import { KeptBody } from './kept-body.ts';
import { learns } from './learn.ts';
import type { StartedExchange } from './start-exchange.ts';

const NEVER = Number.POSITIVE_INFINITY;

/**
 * One request to one Pod at a time, its answer streamed back:
 * 1. place it: pick a Pod, or hold (placement/placement.ts);
 * 2. try it: connect or reuse, send the head and what there is of the body;
 * 3. refused, reset before the answer, or a status to be retried: again, where that cannot execute anything twice;
 * 4. relay the answer; the first byte of it ends all retrying.
 */
export class DeliverOne implements StartedExchange, CourseOwner, UpstreamEvents {
  readonly #course: Course;
  readonly #deps: ExchangeDeps;
  readonly #kept: KeptBody;
  #upstream: Upstream | null = null;
  /** Bytes of the request go to `#upstream`. */
  #isSending = false;
  /** Of the backend, when `#upstream` was asked for. */
  #backend: BackendSnapshot | null = null;
  /** When the whole answer is overdue (monotonic milliseconds). */
  #overdueMs = NEVER;
  /** A final head that goes to the client with what there is of its body. */
  #head: ResponseMessage | null = null;
  #status = 0;
  #isPaused = false;
  /** The kernel has all of the request. */
  #isFlushed = false;
  #endWatch: (() => void) | null = null;
  /** Out of the hold that it was in last; null: it was in none. */
  #departure: Departure | null = null;

  constructor(deps: ExchangeDeps, decided: Decided) {
    this.#deps = deps;
    this.#course = new Course(this, deps, decided);
    this.#kept = new KeptBody(decided.rule.retry.attempts > 0);
  }

  start(): void {
    this.#course.placement.begin(this.#course.startedMs);
  }

  get deadlineMs(): number {
    return this.#course.deadlineMs;
  }

  canFollow({ selection }: RuleConfig): boolean {
    return selection.type !== 'FanOut';
  }

  moved(): void {
    this.#kept.canRepeat = this.#course.rule.retry.attempts > 0;
  }

  get bodySoFar(): readonly Piece[] {
    return this.#kept.pieces!;
  }

  get awaitsBody(): boolean {
    return !this.#course.requestComplete && !this.#isPaused && !this.#course.placement.isHeld;
  }

  body(pieces: readonly Piece[], complete: boolean): void {
    const course = this.#course;
    if (course.over) return;
    let bytes = 0;
    for (const piece of pieces) bytes += piece.length;
    course.received += bytes;
    course.requestComplete = complete;
    this.#kept.add(pieces, bytes, this.#isSending);
    if (this.#isSending) {
      if (this.#mayGoOn()) this.#sent(this.#upstream!.write(pieces, complete));
      return;
    }
    if (this.#kept.isFull) this.#pauseClient();
    course.placement.keep(bytes);
  }

  /** Whether the Pod may have more of an upload: a leader's claim has an age, which is looked at for each piece (promise 4). */
  #mayGoOn(): boolean {
    const { rule, placement, pod } = this.#course;
    const { selection } = rule;
    const isDraining = selection.type === 'Leader' && selection.onDemotion === 'Drain';
    if (isDraining || placement.isLeased(pod!)) return true;
    this.#course.fail('upstream_reset', `${pod!.name} has not been heard to lead for too long`);
    return false;
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

  place(pods: readonly PodView[], snapshot: BackendSnapshot, waited: boolean): void {
    const course = this.#course;
    // The client may have waited for a word from a Pod: `timeouts.body` begins now.
    if (waited && this.awaitsBody) course.client.resume();
    const pod = pods[0]!;
    course.deadlineMs = course.requestDeadlineMs;
    course.picked(pod);
    const { request, client, placement } = course;
    const ask = { request, asker: client, pod, backend: placement.backend, snapshot, gathered: null };
    this.#backend = snapshot;
    if (waited) this.#confirmClient();
    this.#upstream = this.#deps.upstreams.open(ask, this);
  }

  /** Whose client has left meanwhile is never sent, however much of it is here. That is looked at beside the connecting. */
  #confirmClient(): void {
    const { client, placement } = this.#course;
    const departure = placement.departs();
    this.#departure = departure;
    client.confirm(() => departure.confirmed());
  }

  /** What was released from a hold goes in order of arrival, whoever's connection is there first. */
  opened(): void {
    if (this.#departure === null) {
      this.#send();
      return;
    }
    const upstream = this.#upstream!;
    const send = (): void => {
      if (this.#upstream === upstream) this.#send();
    };
    this.#departure.opened(() => runGuarded('hold', send, () => this.#course.crashed()));
  }

  /** The last moment to see that the Pod does not lead any more (promise 4). Then head and body so far go to it. */
  #send(): void {
    const course = this.#course;
    const upstream = this.#upstream!;
    if (!course.placement.confirms(course.pod!)) {
      this.#drop();
      course.placement.route();
      return;
    }
    const taken = upstream.send(this.#kept.pieces!, course.requestComplete);
    // It waited here while its connection ended: there will be another.
    if (taken === 'closed') return;
    course.tried();
    course.placement.sent();
    this.#isSending = true;
    this.#kept.sent();
    const { backendRequestMs } = course.rule.timeouts;
    if (backendRequestMs > 0) this.#overdueMs = monotonicMs() + backendRequestMs;
    course.deadlineMs = Math.min(course.requestDeadlineMs, this.#overdueMs);
    this.#departure?.leave();
    if (taken !== 'full') this.#resumeClient();
    this.#sent(taken);
    this.#watchLeader();
  }

  #sent(taken: Taken): void {
    if (taken === 'full') this.#pauseClient();
    if (!this.#course.requestComplete) return;
    if (taken === 'all') this.#isFlushed = true;
    // Nobody else asks: over TLS it is never known at once, and costs a call to the kernel.
    else if (this.#course.rule.selection.type === 'Leader') this.#whenFlushed();
  }

  #whenFlushed(): void {
    const upstream = this.#upstream!;
    upstream.whenFlushed(() => {
      if (this.#upstream === upstream) this.#isFlushed = true;
    });
  }

  /**
   * A request to a leader is watched until it is answered: when the Pod does not lead any more no further byte of an upload goes to it
   * (promise 4); one that is with it as a whole is waited for, unless it has fallen silent and another leads. What it has is of
   * unknown outcome.
   */
  #watchLeader(): void {
    if (this.#course.rule.selection.type !== 'Leader') return;
    const { name } = this.#course.pod!;
    this.#endWatch = this.#deps.tunnels.watchRequest(
      this.#terms,
      () => this.#isFlushed,
      (reason) => this.#course.fail('upstream_reset', `${name}: ${reason}`),
    );
  }

  get #terms(): StreamTerms {
    const { listener, placement, pod } = this.#course;
    return { listener, rule: placement.rule, backend: placement.backend, pod: pod! };
  }

  #watchNoMore(): void {
    this.#endWatch?.();
    this.#endWatch = null;
  }

  /** Of local ports those for one address may run out: another Pod may still be asked. Of the leader there is no other. */
  unopened(kind: 'local' | 'pod', reason: string): void {
    const { placement } = this.#course;
    const pod = this.#course.pod!;
    this.#settle();
    if (kind === 'local') {
      if (this.#mayTryAgain()) placement.retry(pod, 'local_error');
      else this.#course.fail('overloaded', `no connection to ${pod.name} could be made: ${reason}`);
      return;
    }
    this.#deps.outcomes.report({ kind: 'connect_failed', podId: pod.id, reason });
    if (!placement.awaitNextLeader(pod, this.#backend!))
      this.#again('connect_failed', 'connect_failed', `${pod.name}: ${reason}`);
  }

  drained(): void {
    this.#resumeClient();
  }

  head(message: ResponseMessage): void {
    const { status } = message;
    if (status === 101) this.#switch(message);
    else if (status < 200) this.#course.client.answer.interim(message);
    else if (this.#isWanted(message)) this.#head = message;
  }

  /** Whether the client gets this answer; else the request goes on. */
  #isWanted(message: ResponseMessage): boolean {
    const { rule, placement, request } = this.#course;
    const { selection, retry } = rule;
    const pod = this.#course.pod!;
    const learnt = selection.type === 'Leader' ? learns(this.#backend!.config.leader, message) : null;
    if (learnt !== null && selection.type === 'Leader') {
      this.#deps.outcomes.report({ kind: 'not_leader', podId: pod.id, hint: learnt.hint });
      if (this.#kept.pieces !== null && retry.attempts > 0 && selection.hold.timeoutMs > 0) {
        this.#drop('not_leader');
        placement.turnedAway(pod, this.#backend!);
        return false;
      }
    }
    const isRetried = retry.codes.includes(message.status) && mayRepeat(request.method, 'status');
    if (!isRetried || !this.#mayTryAgain()) return true;
    this.#drop(`status_${message.status}`);
    placement.retry(pod, 'status');
    return false;
  }

  received(pieces: readonly Piece[]): void {
    const course = this.#course;
    const { answer } = course.client;
    const head = this.#head;
    if (head === null) {
      course.bytesSent += answer.write(pieces);
      return;
    }
    this.#head = null;
    this.#status = head.status;
    course.answered();
    course.bytesSent += answer.begin(head, this.#upstream!, pieces, course.debugFields());
  }

  ended(trailers: Fields): void {
    this.#settle();
    this.#course.end(this.#status, null);
    this.#course.client.answer.end(trailers);
  }

  broken(kind: 'reset' | 'protocol', detail: string): void {
    this.#settle();
    const pod = this.#course.pod!;
    this.#deps.outcomes.report({ kind: 'failed', podId: pod.id, reason: detail });
    if (kind === 'reset') this.#again('reset', 'upstream_reset', `${pod.name}: ${detail}`);
    else this.#course.fail('upstream_protocol', `${pod.name} answered with ${detail}`);
  }

  crashed(): void {
    this.#course.crashed();
  }

  #switch(message: ResponseMessage): void {
    const course = this.#course;
    const { answer } = course.client;
    const upstream = this.#upstream!;
    const terms = this.#terms;
    this.#settle();
    course.answered();
    course.bytesSent += answer.begin(message, upstream, [], course.debugFields());
    course.end(101, null);
    this.#deps.tunnels.join(answer.takeOver(), upstream.takeOver(), terms, (ended) =>
      this.#upgradeEnded(ended),
    );
  }

  #upgradeEnded(ended: JointEnd): void {
    const { listener, client, rule, placement, pod, attempts, startedMs } = this.#course;
    const { backend, heldMs } = placement;
    const { address } = client;
    const facts = { listener, address, rule: rule.name, backend, pod, attempts, heldMs, startedMs, ended };
    for (const observer of this.#deps.connections) observer.ended({ kind: 'upgrade', ...facts });
  }

  expire(nowMs: number): void {
    const course = this.#course;
    const { backendRequestMs } = course.rule.timeouts;
    if (nowMs >= course.requestDeadlineMs) {
      this.#drop('timeout');
      course.failOverdue();
    } else if (nowMs >= this.#overdueMs) {
      const { id, name } = course.pod!;
      this.#drop('timeout');
      this.#deps.outcomes.report({ kind: 'failed', podId: id, reason: 'timed out' });
      course.fail(
        'backend_timeout',
        `${name} gave no whole answer within ${backendRequestMs} ms (timeouts.backendRequest)`,
      );
    }
  }

  abandon(): void {
    this.#drop();
  }

  /** The attempt failed: another one where that is safe, else the failure. */
  #again(end: AttemptEnd, failure: 'connect_failed' | 'upstream_reset', detail: string): void {
    const { responded, request, placement, pod } = this.#course;
    if (!responded && mayRepeat(request.method, end) && this.#mayTryAgain()) placement.retry(pod!, end);
    else this.#course.fail(failure, detail);
  }

  #mayTryAgain(): boolean {
    return this.#kept.pieces !== null && this.#course.placement.spendRetry(this.#course.attempts);
  }

  /** @param result what the attempt counts as; default: cancelled, if it was sent */
  #drop(result?: string): void {
    const upstream = this.#upstream;
    this.#settle();
    upstream?.abort(result);
  }

  /** The attempt is over. */
  #settle(): void {
    this.#watchNoMore();
    this.#departure?.leave();
    this.#upstream = null;
    this.#isSending = false;
    this.#isFlushed = false;
    this.#overdueMs = NEVER;
  }

  #pauseClient(): void {
    if (this.#isPaused || this.#course.requestComplete) return;
    this.#isPaused = true;
    this.#course.client.pause();
  }

  #resumeClient(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#course.client.resume();
  }
}
