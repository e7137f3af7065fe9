import type { Member } from '../contract.ts';
import type { Round } from '../membership/membership.ts';
import { anonymous, identityOf, isUnder, member } from './identity.ts';
import { MemberCache } from './member-cache.ts';
import { pacer } from './pacer.ts';
import { shortNameHint } from './short-name.ts';
import type { Source, SourceContext } from './source.ts';

/** A numeric port: the Service's A and AAAA records, each new address named by its PTR. */
export function addressSource(context: SourceContext, port: number): Source {
  const cache = new MemberCache();
  return {
    question: `A, AAAA ${context.service}.`,
    round: (seen) => addressRound(context, port, seen, cache),
  };
}

/** One round of `addressSource`; also the way out when an SRV answer is too long even for TCP. */
export async function addressRound(
  context: SourceContext,
  port: number,
  seen: (member: Member) => void,
  cache = new MemberCache(),
): Promise<Round> {
  const built = (dnsName: string | null, own: readonly string[], owner: string): Member =>
    cache.of([dnsName ?? '', owner, ...own].join(' '), () => build(context, dnsName, own, port, owner));
  const { service, book, names } = context;
  // Each Pod is shown once its name is known, and the family that answers first does not wait for the other (N4).
  const learn = (addresses: readonly string[]): Promise<void> =>
    names.learn(addresses, (address) => {
      const dnsName = names.nameOf(address);
      if (dnsName === null || isUnder(dnsName, [service])) seen(built(dnsName, [address], service));
    });
  const answer = await book.ask(service, (addresses) => void learn(addresses));
  if (answer.kind === 'failed') return answer;
  if (answer.kind === 'absent') {
    const detail = `${answer.nxdomain ? 'NXDOMAIN' : 'no address'} for ${service}: no ready Pod, or no such Service${shortNameHint(service)}`;
    return { kind: 'empty', ttlMs: answer.ttlMs, nxdomain: answer.nxdomain, detail };
  }
  const { addresses, owner, ttlMs, problem } = answer;
  await learn(addresses);
  names.keepOnly(new Set(addresses));
  const pace = pacer();
  const members: Member[] = [];
  for (const [dnsName, own] of group(context, addresses, owner)) {
    members.push(built(dnsName === own[0] ? null : dnsName, own, owner));
    await pace();
  }
  cache.endRound();
  return { kind: 'members', members, complete: true, ttlMs, problem };
}

/** Addresses by name: those of one name are one Pod (SPEC 3), those without a name each their own. */
function group(context: SourceContext, addresses: readonly string[], owner: string): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const address of addresses) {
    const name = context.names.nameOf(address) ?? address;
    const own = groups.get(name);
    if (own === undefined) groups.set(name, [address]);
    else own.push(address);
  }
  for (const [name, own] of groups) {
    // `localhost`, or a zone's one name for all: it names no Pod, and must not make one of many.
    if (own.length < 2 || isUnder(name, [context.service, owner]) || isOnePerFamily(own)) continue;
    groups.delete(name);
    for (const address of own) groups.set(address, [address]);
  }
  return groups;
}

function isOnePerFamily(addresses: readonly string[]): boolean {
  return addresses.length === 2 && addresses.filter((address) => address.includes(':')).length === 1;
}

function build(
  context: SourceContext,
  dnsName: string | null,
  addresses: readonly string[],
  port: number,
  owner: string,
): Member {
  if (dnsName === null) return member(anonymous(addresses[0]!), addresses, port);
  const scope = { services: [context.service, owner], statefulSet: null };
  return member(identityOf(dnsName, addresses, scope), addresses, port);
}
