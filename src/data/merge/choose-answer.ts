import type { FanOutResponse } from './answer.ts';

/** How many successes a quorum needs: `minSuccess`, else a majority of the Pods asked. */
export function quorumOf(minSuccess: number | null, asked: number): number {
  return minSuccess ?? Math.floor(asked / 2) + 1;
}

/** `respond: Quorum`: the successes that agree on status and body, counted as they arrive. */
export class Votes {
  /** How many agree on the answer that most agree on, and the first of them. */
  #most = 0;
  #leading: FanOutResponse | null = null;
  /** By status and length: bodies that differ in every answer, by a date for instance, are compared with few. */
  readonly #groups = new Map<string, { readonly answer: FanOutResponse; votes: number }[]>();

  /** Counts an answer that is a success. */
  add(answer: FanOutResponse): void {
    const key = `${answer.status} ${answer.body.length}`;
    const groups = this.#groups.get(key) ?? [];
    this.#groups.set(key, groups);
    let group = groups.find((other) => other.answer.body.equals(answer.body));
    if (group === undefined) {
      group = { answer, votes: 0 };
      groups.push(group);
    }
    group.votes++;
    if (group.votes <= this.#most) return;
    this.#most = group.votes;
    this.#leading = group.answer;
  }

  /** The answer that `needed` Pods agree on, or null as long as there is none. */
  reached(needed: number): FanOutResponse | null {
    return this.#most >= needed ? this.#leading : null;
  }

  /** How many agree on the answer that most agree on. */
  get most(): number {
    return this.#most;
  }

  /** Whether the Pods that have not answered yet could still make a quorum; false: fail now instead of waiting for them. */
  canReach(needed: number, outstanding: number): boolean {
    return this.#most + outstanding >= needed;
  }
}
