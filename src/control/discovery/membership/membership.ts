import type { Member } from '../contract.ts';

/** What one round of look-ups says of a Service. */
export type Round =
  /** `complete: false` only adds: the answer is known to be short. */
  | {
      readonly kind: 'members';
      readonly members: readonly Member[];
      readonly complete: boolean;
      readonly ttlMs: number;
      /** What failed without failing the round (one target, one family). */
      readonly problem: string | null;
    }
  /** An authoritative "nobody": NXDOMAIN, or no record. */
  | {
      readonly kind: 'empty';
      readonly ttlMs: number | null;
      readonly nxdomain: boolean;
      readonly detail: string;
    }
  /** `how` in one word: a `FailureResult`. */
  | { readonly kind: 'failed'; readonly how: string; readonly detail: string };

/** Of `discovery` in the configuration. */
export interface MembershipLimits {
  /** Answers in a row that a Pod must be missing from. */
  readonly absence: number;
  readonly emptyHoldMs: number;
}

interface Held {
  readonly member: Member;
  readonly missed: number;
}

/**
 * Decides what to believe (SPEC 3): a Pod leaves once `absence` answers in a row lack it, all of them once the Service
 * has been empty for `emptyHoldMs`; a failed round changes nothing. Time is passed in; no I/O.
 */
export class Membership {
  #held = new Map<string, Held>();
  #emptySinceMs: number | null = null;
  #limits: MembershipLimits;

  constructor(limits: MembershipLimits) {
    this.#limits = limits;
  }

  /** From the next round on; what is believed stays. */
  limit(limits: MembershipLimits): void {
    this.#limits = limits;
  }

  /** Another one that starts from what this one believes, as far as it is still of interest. */
  fork(limits: MembershipLimits, isWanted: (member: Member) => boolean): Membership {
    const fork = new Membership(limits);
    fork.#held = new Map([...this.#held].filter(([, { member }]) => isWanted(member)));
    fork.#emptySinceMs = this.#emptySinceMs;
    return fork;
  }

  /** Takes a round; returns the members if they changed, else null. */
  apply(round: Round, nowMs: number): readonly Member[] | null {
    if (round.kind === 'failed') return null;
    const before = this.#held;
    if (round.kind === 'members') {
      this.#emptySinceMs = null;
      this.#held = round.complete ? this.#replace(round.members) : this.#join(round.members);
    } else {
      this.#emptySinceMs ??= nowMs;
      if (nowMs - this.#emptySinceMs >= this.#limits.emptyHoldMs) this.#held = new Map();
    }
    return sameMembers(before, this.#held) ? null : this.members();
  }

  /** Adds Pods seen while a round is still under way; those known already stay as they are. */
  add(seen: readonly Member[]): readonly Member[] | null {
    const fresh = seen.filter((member) => !this.#held.has(member.key));
    if (fresh.length === 0) return null;
    this.#held = this.#join(fresh);
    return this.members();
  }

  /** How long until an empty answer would be believed; null if the last answer was not empty. */
  emptyLeftMs(nowMs: number): number | null {
    if (this.#emptySinceMs === null || this.#held.size === 0) return null;
    return Math.max(0, this.#emptySinceMs + this.#limits.emptyHoldMs - nowMs);
  }

  get size(): number {
    return this.#held.size;
  }

  /** By ordinal, then by key. */
  members(): readonly Member[] {
    return [...this.#held.values()]
      .map((held) => held.member)
      .sort((a, b) => a.ordinal - b.ordinal || (a.key < b.key ? -1 : 1));
  }

  #replace(members: readonly Member[]): Map<string, Held> {
    const next = new Map(members.map((member) => [member.key, { member, missed: 0 }]));
    const claimed = claims(members);
    for (const [key, held] of this.#held) {
      if (next.has(key) || held.missed + 1 >= this.#limits.absence) continue;
      const kept = without(held.member, claimed);
      if (kept !== null) next.set(key, { member: kept, missed: held.missed + 1 });
    }
    return next;
  }

  #join(members: readonly Member[]): Map<string, Held> {
    const claimed = claims(members);
    const next = new Map<string, Held>();
    for (const [key, held] of this.#held) {
      const kept = without(held.member, claimed);
      if (kept !== null) next.set(key, { ...held, member: kept });
    }
    for (const member of members) next.set(member.key, { member, missed: 0 });
    return next;
  }
}

function claims(members: readonly Member[]): Set<string> {
  return new Set(members.flatMap((member) => member.addresses.map((address) => `${address} ${member.port}`)));
}

/**
 * A Pod that is being missed must not keep an address that now belongs to another one: it would be sent the other's
 * requests under its name.
 */
function without(member: Member, claimed: ReadonlySet<string>): Member | null {
  const left = member.addresses.filter((address) => !claimed.has(`${address} ${member.port}`));
  if (left.length === member.addresses.length) return member;
  return left.length === 0 ? null : { ...member, addresses: left };
}

function sameMembers(a: ReadonlyMap<string, Held>, b: ReadonlyMap<string, Held>): boolean {
  if (a === b) return true;
  if (a.size !== b.size) return false;
  for (const [key, { member }] of b) {
    const other = a.get(key)?.member;
    if (other === undefined || other.addresses.length !== member.addresses.length) return false;
    if (other.addresses.some((address, i) => address !== member.addresses[i])) return false;
  }
  return true;
}
