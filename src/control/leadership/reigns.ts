import { sameLineage } from '../probe/lineage.ts';
import type { Claimant } from './arbitrate.ts';

/**
 * Since when each Pod claims to lead, as the revision of the leadership with which its claim began (`Leadership.reign`). A
 * claim begins anew with another term or lineage, and after it has ended. Of one Pod no two reigns in which it led have the same
 * number: with the end of the first the revision has grown.
 */
export class Reigns {
  #claims = new Map<number, { readonly claim: Claimant; readonly since: number }>();

  /** Whether this claim has begun already. */
  has(claim: Claimant): boolean {
    const before = this.#claims.get(claim.podId)?.claim;
    return before !== undefined && before.term === claim.term && sameLineage(before.lineage, claim.lineage);
  }

  /** @param claimants all that claim now, ready or not @param revision that of the leadership now */
  follow(claimants: readonly Claimant[], revision: number): void {
    const claims = new Map<number, { readonly claim: Claimant; readonly since: number }>();
    for (const claim of claimants) {
      const since = this.has(claim) ? this.#claims.get(claim.podId)!.since : revision;
      claims.set(claim.podId, { claim, since });
    }
    this.#claims = claims;
  }

  /** 0: nobody leads. */
  of(leaderId: number | null): number {
    return leaderId === null ? 0 : (this.#claims.get(leaderId)?.since ?? 0);
  }
}
