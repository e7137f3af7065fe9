import type { Claimant } from './arbitrate.ts';

/**
 * Since when each Pod claims to lead, as the revision of the leadership with which its claim began (`Leadership.reign`). A
 * claim begins anew with another term, and after it has ended. Of one Pod no two reigns in which it led have the same number:
 * with the end of the first the revision has grown.
 */
export class Reigns {
  #claims = new Map<number, { readonly term: string | null; readonly since: number }>();

  /** @param claimants all that claim now, ready or not @param revision that of the leadership now */
  follow(claimants: readonly Claimant[], revision: number): void {
    const before = this.#claims;
    this.#claims = new Map();
    for (const { podId, term } of claimants) {
      const claim = before.get(podId);
      this.#claims.set(podId, claim !== undefined && claim.term === term ? claim : { term, since: revision });
    }
  }

  /** 0: nobody leads. */
  of(leaderId: number | null): number {
    return leaderId === null ? 0 : (this.#claims.get(leaderId)?.since ?? 0);
  }
}
