import type { Member } from '../contract.ts';

/**
 * The Pods of the last round by what they were made from: a round that says the same again makes none. To read 1,000 names every
 * few seconds would take milliseconds of one turn of the loop.
 */
export class MemberCache {
  #last = new Map<string, Member>();
  #next = new Map<string, Member>();

  /** @param key all that `make` depends on */
  of(key: string, make: () => Member): Member {
    const member = this.#next.get(key) ?? this.#last.get(key) ?? make();
    this.#next.set(key, member);
    return member;
  }

  /** Forgets what was not asked for since the last call. */
  endRound(): void {
    this.#last = this.#next;
    this.#next = new Map();
  }
}
