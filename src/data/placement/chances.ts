import type { PodView } from '../../model/pod.ts';
import type { PickContext } from '../pick/contract.ts';
import type { RequestView } from '../request-view.ts';
import type { PlacementDeps } from './placement-deps.ts';
import type { RuleRuntime } from './rule-runtime.ts';
import { TurnedAway } from './turned-away.ts';

/** What one request, or one connection of a TCP listener, may have of the Pods: its own side of picking. */
export class Chances implements PickContext {
  readonly request: RequestView;
  /** As `PickContext.minLeaderRevision`; of one backend, whatever its name. */
  minLeaderRevision = 0;
  /** Of the rule that it has now. */
  runtime: RuleRuntime;
  readonly #deps: PlacementDeps;
  #tried: number[] | null = null;
  #turnedAway: TurnedAway | null = null;

  constructor(request: RequestView, runtime: RuleRuntime, deps: PlacementDeps) {
    this.request = request;
    this.runtime = runtime;
    this.#deps = deps;
  }

  get selfPodName(): string {
    return this.#deps.cell.current().config.selfPodName;
  }

  random(): number {
    return this.#deps.random();
  }

  inFlight(podId: number): number {
    return this.#deps.upstreams.inFlight(podId);
  }

  nextTurn(): number {
    return this.runtime.nextTurn();
  }

  tried(podId: number): boolean {
    return this.#tried?.includes(podId) === true;
  }

  barred(leader: PodView, reign: number): string | null {
    return this.#turnedAway?.barred(leader, reign) ?? null;
  }

  /** Not this one while another is ready. */
  avoid(podId: number): void {
    this.#tried ??= [];
    if (!this.#tried.includes(podId)) this.#tried.push(podId);
  }

  /** The leader, in this reign of it, answered that it does not lead. @param attempts how often it may be sent again */
  turnedAway(podId: number, reign: number, attempts: number): void {
    this.#turnedAway ??= new TurnedAway(attempts);
    this.#turnedAway.add(podId, reign);
  }

  /** A byte of it goes to a Pod. */
  sent(): void {
    this.#turnedAway?.sentAgain();
  }

  /** While it waits for another reign, rounds of probes go on: a leader that says no is no leader, whatever it claims. */
  search(leader: PodView | null): void {
    if (leader !== null && this.#turnedAway?.mayBeSentAgain === true)
      this.#deps.outcomes.report({ kind: 'not_leader', podId: leader.id, hint: null });
  }
}
