import type { HoldConfig, RuleConfig } from '../../model/config.ts';
import type { Failure } from '../../model/failure.ts';
import type { PodView } from '../../model/pod.ts';
import type { BackendSnapshot } from '../../model/snapshot.ts';
import { runGuarded } from '../../platform/guard.ts';
import type { InboundListener } from '../inbound-listener.ts';
import { matcherFor } from '../match/matcher.ts';
import type { Pick, Wait } from '../pick/contract.ts';
import { holdOf } from '../pick/stale.ts';
import type { RequestView } from '../request-view.ts';
import { Chances } from './chances.ts';
import { Departure } from './departure.ts';
import type { HoldOutcome } from './hold-queue.ts';
import type { PlacementDeps } from './placement-deps.ts';
import type { PlacementOwner } from './placement-owner.ts';
import { CHOOSING, type HeldState, OVER, PLACED, type PlacementState } from './placement-state.ts';
import type { RuleRuntime } from './rule-runtime.ts';
import { whyRefused } from './why.ts';
import { type Choice, withRoom } from './with-room.ts';

type Settled = Exclude<Pick, { type: 'wait' }>;

/** Why one waits that would find a Pod: those that wait already leave first (SPEC 3, Holding). */
const RELEASING = { failure: 'no_leader', detail: 'earlier requests are being released' } as const;

/** The leader of the snapshot has not been heard for so long that it may lead no more. */
const OUTDATED = {
  type: 'wait',
  failure: 'no_leader',
  detail: 'the claim of the leader is too old; it is asked again',
} as const;

/**
 * The way of one request, or one connection of a TCP listener, to a Pod: it picks, holds while a Pod may come, picks another where
 * one did not serve and that does no harm, and follows the rules through reloads. Who owns it talks to the Pod.
 */
export class Placement {
  rule: RuleConfig;
  backend: string;
  /** How long it was held, from the first hold to the end of the last one. */
  heldMs = 0;
  readonly #chances: Chances;
  readonly #listener: InboundListener;
  readonly #owner: PlacementOwner;
  readonly #deps: PlacementDeps;
  #state: PlacementState = CHOOSING;
  /** The Pod whose refusal `minLeaderRevision` comes from. */
  #refusedBy = -1;
  /** When it was held first: several holds share one `hold.timeout`. */
  #heldSinceMs = -1;
  /** Why it waits. */
  #wait: Omit<Wait, 'type'> = RELEASING;

  /** @param backend one of the rule's */
  constructor(
    owner: PlacementOwner,
    request: RequestView,
    listener: InboundListener,
    rule: RuleConfig,
    backend: string,
    deps: PlacementDeps,
  ) {
    this.#owner = owner;
    this.#listener = listener;
    this.rule = rule;
    this.backend = backend;
    this.#deps = deps;
    this.#chances = new Chances(request, deps.rules.of(rule), deps);
  }

  get runtime(): RuleRuntime {
    return this.#chances.runtime;
  }

  get isHeld(): boolean {
    return this.#state.type === 'held';
  }

  /** @param nowMs counts for the budget of retries then */
  begin(nowMs: number): void {
    this.runtime.budget?.request(nowMs);
    this.route();
  }

  /** Looks for a Pod. @param released it has waited its turn in the hold queue */
  route(released = false): void {
    this.#setState(CHOOSING);
    if (this.#backendNow === undefined && !this.#rematch()) return;
    const backend = this.#backendNow;
    const pick = this.#pick(backend);
    const hold = holdOf(this.rule, backend);
    const mustQueue =
      pick.type === 'pod' && !released && hold !== null && hold.timeoutMs > 0 && this.#comesBehind();
    if (mustQueue) this.#hold(hold, RELEASING);
    else if (pick.type === 'wait') this.#hold(hold, pick);
    else this.#settle(pick, backend, false);
  }

  /** It comes out of the hold queue, behind those that were released before it. */
  departs(): Departure {
    return new Departure(this.#deps.holdQueue(this.backend).row.join());
  }

  /** Whether others came earlier and have sent nothing yet; what need not go to the leader does not wait for what must. */
  #comesBehind(): boolean {
    const { releasing, row } = this.#deps.holdQueue(this.backend);
    return releasing || (row.size > 0 && this.rule.selection.type === 'Leader');
  }

  /** Whether this Pod may have it at this very moment: of a Leader rule only the leader (promise 4). */
  confirms(pod: PodView): boolean {
    if (this.rule.selection.type !== 'Leader') return true;
    const pick = this.#pick(this.#backendNow);
    return pick.type === 'pod' && pick.pod.id === pod.id;
  }

  /** Whether this Pod's claim is good at this very moment, where the rule sends to a leader: it has an age. */
  isLeased(pod: PodView): boolean {
    const { cell, clock } = this.#deps;
    return this.rule.selection.type !== 'Leader' || !cell.leases.isOver(this.backend, pod.id, clock.nowMs());
  }

  /** A byte of it goes to a Pod. */
  sent(): void {
    this.#chances.sent();
  }

  /**
   * Nothing was sent, for the leader took no connection: where its rule has retries the next leader is waited for, for as long as
   * the hold allows, however many refuse meanwhile. @returns false: it may not
   */
  awaitNextLeader(pod: PodView, backend: BackendSnapshot): boolean {
    const { selection, retry } = this.rule;
    if (selection.type !== 'Leader' || retry.attempts === 0) return false;
    this.#refusedBy = pod.id;
    this.#chances.minLeaderRevision = backend.leadership.revision + 1;
    this.runtime.retried('connect_failed');
    this.route();
    return true;
  }

  /** The leader answered that it does not lead, and did nothing: another reign is waited for. */
  turnedAway(pod: PodView, backend: BackendSnapshot): void {
    this.#chances.turnedAway(pod.id, backend.leadership.reign, this.rule.retry.attempts);
    this.runtime.retried('not_leader');
    this.route();
  }

  /** Whether the rule's retries, and their budget, allow one more; it is counted then. @param tries how often it was tried so far */
  spendRetry(tries: number): boolean {
    if (tries > this.rule.retry.attempts) return false;
    const { budget } = this.runtime;
    if (budget === null || budget.spend(this.#deps.clock.nowMs())) return true;
    this.runtime.budgetExhausted();
    return false;
  }

  /** After the back-off, to another Pod than this one if any is ready. @param reason the metric's label */
  retry(pod: PodView, reason: string): void {
    this.#chances.avoid(pod.id);
    this.runtime.retried(reason);
    const { backoffMs } = this.rule.retry;
    if (backoffMs === 0) {
      this.route();
      return;
    }
    const next = (): void => this.route();
    const crashed = (): void => this.#owner.crashed();
    const timer = this.#deps.clock.after(backoffMs, () => runGuarded('hold', next, crashed));
    this.#setState({ type: 'backing_off', timer });
  }

  /** More bytes of its body are here, which are kept while it is held. */
  keep(bytes: number): void {
    if (this.#state.type !== 'held' || this.#state.held.addBytes(bytes)) return;
    this.#setState(CHOOSING, 'full');
    this.#owner.refuse('hold_full', 'the requests held for this rule have reached hold.maxBytes');
  }

  /** It is answered, or nobody waits for it any more. @param outcome of a hold that ends by this */
  end(outcome: HoldOutcome = 'abandoned'): void {
    this.#setState(OVER, outcome);
  }

  get #backendNow(): BackendSnapshot | undefined {
    return this.#deps.cell.current().backends.get(this.backend);
  }

  #pick(backend: BackendSnapshot | undefined): Pick {
    if (backend === undefined)
      return { type: 'fail', failure: 'no_endpoint', detail: `backend ${this.backend} is not known` };
    const pick = this.runtime.picker.pick(backend, this.#chances);
    return pick.type === 'pod' && !this.isLeased(pick.pod) ? OUTDATED : pick;
  }

  #settle(pick: Settled, backend: BackendSnapshot | undefined, waited: boolean): void {
    const pickAgain = (): Pick => this.#pick(backend);
    const choice: Choice =
      pick.type === 'pod' ? withRoom(pick.pod, backend!, this.#chances, pickAgain) : pick;
    if (choice.type === 'fail') {
      this.#refuse(choice.failure, choice.detail, choice);
      return;
    }
    this.#setState(PLACED, null);
    this.#owner.place(choice.pods, backend!, waited);
  }

  /** @param from the place that it has, after a reload that gave it another rule */
  #hold(hold: HoldConfig | null, wait: Omit<Wait, 'type'>, from: HeldState | null = null): void {
    if (hold === null || hold.timeoutMs === 0) {
      this.#refuse(wait.failure, wait.detail, wait);
      return;
    }
    const nowMs = this.#deps.clock.nowMs();
    if (this.#heldSinceMs < 0) this.#heldSinceMs = nowMs;
    this.#wait = wait;
    const leftMs = hold.timeoutMs - (nowMs - this.#heldSinceMs);
    if (leftMs <= 0) {
      this.#setState(CHOOSING, 'timeout');
      this.#expire(hold);
      return;
    }
    const queue = this.#deps.holdQueue(this.backend);
    const waiter = {
      retry: () => this.#retryHold(),
      expire: () => {
        this.#setState(CHOOSING, null);
        this.#expire(hold);
      },
      rematch: () => this.#rematchHeld(),
      crashed: () => this.#owner.crashed(),
    };
    const limits = { ...hold, timeoutMs: leftMs };
    const held = queue.enter(this.rule.name, limits, this.#owner.received, waiter, from);
    if (held === null) {
      const full = 'as many requests are held as hold.maxRequests or hold.maxBytes allow';
      this.#refuse('hold_full', `${full}; ${wait.detail}`, wait);
      return;
    }
    this.#setState({ type: 'held', queue, held }, null);
    this.#owner.waits();
  }

  #expire(hold: HoldConfig): void {
    this.#refuse('hold_timeout', `held for ${hold.timeoutMs} ms; ${this.#wait.detail}`, this.#wait);
  }

  /** With what is known of why. */
  #refuse(failure: Failure, detail: string, { podId = null }: { readonly podId?: number | null }): void {
    const { cell, clock } = this.#deps;
    const why = whyRefused(cell, failure, detail, this.#backendNow, podId, clock.nowMs());
    this.#owner.refuse(failure, why);
  }

  /** @returns whether it leaves the queue */
  #retryHold(): boolean {
    const backend = this.#backendNow;
    const pick = this.#pick(backend);
    if (pick.type === 'wait') {
      this.#wait = pick;
      this.#chances.search(backend?.leadership.leader ?? null);
      return false;
    }
    this.#release(pick, backend);
    return true;
  }

  /** It leaves the queue. */
  #release(pick: Settled, backend: BackendSnapshot | undefined): void {
    const { held } = this.#state as HeldState;
    this.#setState(CHOOSING, null);
    this.#settle(pick, backend, true);
    // Answered at once, by a failure: nothing was released.
    held.leave(this.#state.type === 'over' ? 'abandoned' : 'released');
  }

  /** The rules of its listener may be others now: it waits on under those in its order of arrival, or goes on. */
  #rematchHeld(): void {
    const { rule, backend: name } = this;
    const from = this.#state as HeldState;
    if (!this.#rematch() || (this.rule === rule && this.backend === name)) return;
    const backend = this.#backendNow;
    const hold = holdOf(this.rule, backend);
    const pick = this.#pick(backend);
    // Whoever waits on has its turn when all have found their place, in order of arrival.
    const canWait = hold !== null && hold.timeoutMs > 0 && pick.type !== 'fail';
    if (canWait || pick.type === 'wait') {
      this.#hold(hold, pick.type === 'wait' ? pick : RELEASING, from);
    } else this.#release(pick, backend);
  }

  /**
   * After a reload: finds its rule and backend anew, by the rules that its listener has now. Nothing of it is with a Pod.
   * @returns false: it has begun anew as something else, or was answered
   */
  #rematch(): boolean {
    const rule = matcherFor(this.#listener.snapshot).match(this.#chances.request);
    const { renamed, cell, random, rules } = this.#deps;
    const backend = rule === null ? null : renamed.choose(rule, this.backend, cell.current(), random);
    if (rule === null || backend === null) return this.#restart(rule, 'abandoned');
    if (rule === this.rule && backend === this.backend) return true;
    if (!this.#owner.canFollow(rule)) return this.#restart(rule, 'released');
    const pods = cell.current().backends.get(backend)?.pods;
    // Revisions are those of one backend; under another name it is still that one.
    if (backend !== this.backend && !pods?.some(({ id }) => id === this.#refusedBy))
      this.#chances.minLeaderRevision = 0;
    this.rule = rule;
    this.backend = backend;
    this.#chances.runtime = rules.of(rule);
    this.runtime.budget?.request(this.#deps.clock.nowMs());
    this.#owner.moved();
    return true;
  }

  #restart(rule: RuleConfig | null, outcome: HoldOutcome): false {
    this.#setState(OVER, outcome);
    this.#owner.restart(rule);
    return false;
  }

  /** @param outcome of a hold that ends by this; null: the queue is told already, or by others */
  #setState(next: PlacementState, outcome: HoldOutcome | null = 'abandoned'): void {
    const before = this.#state;
    this.#state = next;
    if (before.type === 'backing_off') before.timer.clear();
    if (before.type !== 'held') return;
    this.heldMs = this.#deps.clock.nowMs() - this.#heldSinceMs;
    if (outcome !== null) before.held.leave(outcome);
  }
}
