import type { Member } from './contract.ts';
import { anonymous, identityOf, member } from './identity.ts';
import type { Round } from './membership.ts';
import type { Source, SourceContext } from './source.ts';

/** A numeric port: the Service's A and AAAA records, each new address named by its PTR. */
export function addressSource(context: SourceContext, port: number): Source {
  return {
    question: `A, AAAA ${context.service}.`,
    round: (seen) => addressRound(context, port, seen),
  };
}

/** One round of `addressSource`; also the way out when an SRV answer is too long even for TCP. */
export async function addressRound(
  context: SourceContext,
  port: number,
  seen: (member: Member) => void,
): Promise<Round> {
  const { service, book, names } = context;
  // Each Pod is shown once its name is known, and the family that answers first does not wait for the other (N4).
  const learn = (addresses: readonly string[]): Promise<void> => {
    const learned = new Roster(context, port);
    return names.learn(addresses, (address) => seen(learned.add(address)));
  };
  const answer = await book.ask(service, (addresses) => void learn(addresses));
  if (answer.kind === 'failed') return answer;
  if (answer.kind === 'absent') {
    const detail = `${answer.nxdomain ? 'NXDOMAIN' : 'no address'} for ${service}: no ready Pod, or no such Service`;
    return { kind: 'empty', ttlMs: answer.ttlMs, detail };
  }
  const { addresses, owner, ttlMs, problem } = answer;
  await learn(addresses);
  names.keepOnly(new Set(addresses));
  const roster = new Roster(context, port, owner);
  for (const address of addresses) roster.add(address);
  return { kind: 'members', members: roster.members(), complete: true, ttlMs, problem };
}

/** Addresses of one name are one Pod (SPEC 3); those without a name each their own. */
class Roster {
  readonly #members = new Map<string, Member>();

  constructor(
    private readonly context: SourceContext,
    private readonly port: number,
    private readonly owner: string = context.service,
  ) {}

  /** Returns the Pod with all its addresses so far. */
  add(address: string): Member {
    const dnsName = this.context.names.nameOf(address);
    const added =
      dnsName === null ? member(anonymous(address), [address], this.port) : this.#named(dnsName, address);
    this.#members.set(added.key, added);
    return added;
  }

  members(): Member[] {
    return [...this.#members.values()];
  }

  #named(dnsName: string, address: string): Member {
    const scope = { services: [this.context.service, this.owner], statefulSet: null };
    const fresh = member(identityOf(dnsName, [address], scope), [address], this.port);
    const known = this.#members.get(fresh.key);
    if (known === undefined) return fresh;
    const addresses = [...known.addresses, address];
    return member(identityOf(dnsName, addresses, scope), addresses, this.port);
  }
}
