import type { PodView } from '../../model/pod.ts';

/**
 * What the `learn` answers to one request leave of its chances (SPEC 3, Retrying): the Pod that gave one gets the request
 * again only with a higher term or after it had stopped claiming, and at most `retry.attempts` sends follow them all.
 */
export class TurnedAway {
  readonly #by: { readonly podId: number; readonly reign: number }[] = [];
  readonly #attempts: number;
  #sends = 0;

  constructor(attempts: number) {
    this.#attempts = attempts;
  }

  /** A Pod, in this reign of it (`Leadership.reign`), answered that it does not lead. */
  add(podId: number, reign: number): void {
    this.#by.push({ podId, reign });
  }

  /** The request was sent again. */
  sentAgain(): void {
    this.#sends++;
  }

  /** Whether another reign would get the request: worth looking for. */
  get mayBeSentAgain(): boolean {
    return this.#sends < this.#attempts;
  }

  /** As `PickContext.barred`. */
  barred(leader: PodView, reign: number): string | null {
    if (!this.mayBeSentAgain)
      return `sent ${this.#sends} times more after an answer that its Pod does not lead, as often as retry.attempts allows`;
    if (!this.#by.some((one) => one.podId === leader.id && one.reign === reign)) return null;
    return `${leader.name} answered this request that it does not lead, and has claimed to lead without a break since`;
  }
}
