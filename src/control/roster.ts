import type { Member } from './discovery/contract.ts';

/** A Pod with an identity of this process. */
export interface RosterPod {
  readonly id: number;
  /** As DNS shows it now; the last it showed, once departed. */
  member: Member;
  departed: boolean;
}

export interface RosterChange {
  readonly joined: readonly RosterPod[];
  readonly left: readonly RosterPod[];
  /** Same Pod, other addresses. */
  readonly moved: readonly RosterPod[];
}

/** Departed Pods kept at most, in case an end of their requests is never reported. */
const MAX_DEPARTED = 1000;

let nextId = 1;

/**
 * Who is who. A Pod stays the same while its key (name and port) stays and its new addresses overlap the old ones;
 * all new addresses under an old name are a new Pod (a StatefulSet's Pod that was recreated), and so is a Pod that left
 * and came back. Departed Pods stay until `drained`.
 */
export class Roster {
  readonly #known: (member: Member) => number | null;
  readonly #present = new Map<string, RosterPod>();
  readonly #departed = new Map<number, RosterPod>();

  /** @param known the id of a member that was met elsewhere before, or null */
  constructor(known: (member: Member) => number | null = () => null) {
    this.#known = known;
  }

  update(members: readonly Member[]): RosterChange {
    const joined: RosterPod[] = [];
    const left: RosterPod[] = [];
    const moved: RosterPod[] = [];
    const seen = new Set<string>();
    for (const member of members) {
      seen.add(member.key);
      const known = this.#present.get(member.key);
      if (known !== undefined && overlaps(known.member, member)) {
        if (!sameMember(known.member, member)) moved.push(known);
        known.member = member;
        continue;
      }
      if (known !== undefined) left.push(this.#depart(known));
      const id = known === undefined ? (this.#known(member) ?? nextId++) : nextId++;
      const pod: RosterPod = { id, member, departed: false };
      this.#present.set(member.key, pod);
      joined.push(pod);
    }
    for (const [key, pod] of this.#present)
      if (!seen.has(key)) {
        this.#present.delete(key);
        left.push(this.#depart(pod));
      }
    return { joined, left, moved };
  }

  /** The id of the present Pod that this member is, or null. */
  idOf(member: Member): number | null {
    const pod = this.#present.get(member.key);
    return pod !== undefined && overlaps(pod.member, member) ? pod.id : null;
  }

  /** Nothing is in flight on it any more. @returns whether it was a departed Pod. */
  drained(id: number): boolean {
    return this.#departed.delete(id);
  }

  present(): IterableIterator<RosterPod> {
    return this.#present.values();
  }

  departed(): IterableIterator<RosterPod> {
    return this.#departed.values();
  }

  get size(): number {
    return this.#present.size;
  }

  #depart(pod: RosterPod): RosterPod {
    pod.departed = true;
    this.#departed.set(pod.id, pod);
    if (this.#departed.size > MAX_DEPARTED) {
      const [oldest] = this.#departed.keys();
      this.#departed.delete(oldest!);
    }
    return pod;
  }
}

function overlaps(a: Member, b: Member): boolean {
  return a.addresses.some((address) => b.addresses.includes(address));
}

function sameMember(a: Member, b: Member): boolean {
  return (
    a.addresses.length === b.addresses.length &&
    a.addresses.every((address, i) => address === b.addresses[i]) &&
    a.dnsName === b.dnsName
  );
}
