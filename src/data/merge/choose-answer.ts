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
  readonly #groups = new Map<string, { readonly answer: FanOutResponse; votes: number }>();

  /** Counts an answer that is a success. @returns whether its body is needed: it is the first of its kind */
  add(answer: FanOutResponse): boolean {
    const { finding } = answer;
    const key = `${answer.status} ${finding.type === 'digest' ? finding.digest : ''}`;
    const known = this.#groups.get(key);
    const group = known ?? { answer, votes: 0 };
    if (known === undefined) this.#groups.set(key, group);
    group.votes++;
    if (group.votes > this.#most) {
      this.#most = group.votes;
      this.#leading = group.answer;
    }
    return known === undefined;
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
