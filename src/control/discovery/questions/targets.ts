import type { Member } from '../contract.ts';
import type { Round } from '../membership/membership.ts';
import { eachBounded } from './bounded.ts';
import { type IdentityScope, identityOf, member } from './identity.ts';
import { pacer } from './pacer.ts';
import { followUpBudgetMs, type SourceContext } from './source.ts';

/** A Pod's DNS name and port, whose addresses are to be found. */
export interface SrvTarget {
  readonly name: string;
  readonly port: number;
}

interface Outcome {
  readonly members: readonly Member[];
  readonly ttlMs: number | null;
  /** Nothing is known of it: its look-up failed and never succeeded before. */
  readonly unknown: boolean;
  readonly problem: { readonly how: string; readonly detail: string } | null;
}

/**
 * Resolves targets by name (those in `glue` are known already). A target is judged alone: one that does not exist is
 * absent, one whose look-up fails keeps its last addresses (case N1).
 */
export async function resolveTargets(
  context: SourceContext,
  targets: readonly SrvTarget[],
  glue: ReadonlyMap<string, readonly string[]>,
  scope: IdentityScope,
  seen: (member: Member) => void,
): Promise<Round> {
  const { book } = context;
  const outcomes = new Map<string, Outcome>();
  const ports = new Map<string, number[]>();
  for (const { name, port } of targets) {
    const known = ports.get(name);
    if (known === undefined) ports.set(name, [port]);
    else known.push(port);
  }
  const membersOf = (name: string, addresses: readonly string[]): Member[] =>
    addresses.length === 0
      ? []
      : (ports.get(name) ?? []).map((port) => member(identityOf(name, addresses, scope), addresses, port));
  const settle = (name: string, addresses: readonly string[], rest: Partial<Outcome>): void => {
    const members = membersOf(name, addresses);
    outcomes.set(name, { members, ttlMs: null, unknown: false, problem: null, ...rest });
    for (const found of members) seen(found);
  };
  const failed = (name: string, how: string, detail: string): void => {
    const addresses = book.last(name);
    settle(name, addresses, { unknown: addresses.length === 0, problem: { how, detail } });
  };

  const asked: string[] = [];
  const pace = pacer();
  for (const name of ports.keys()) {
    const addresses = glue.get(name);
    if (addresses === undefined || lacksFamily(addresses, book.last(name))) asked.push(name);
    else {
      book.remember(name, addresses);
      settle(name, addresses, {});
    }
    await pace();
  }
  // Those not known yet first, should the time run out.
  asked.sort((a, b) => Math.sign(book.last(a).length) - Math.sign(book.last(b).length));
  await eachBounded(
    asked,
    context.clock,
    followUpBudgetMs(context),
    async (name) => {
      const answer = await book.ask(name, (addresses) => {
        for (const found of membersOf(name, addresses)) seen(found);
      });
      if (answer.kind === 'failed') failed(name, answer.how, answer.detail);
      else if (answer.kind === 'absent') settle(name, [], { ttlMs: answer.ttlMs });
      else {
        const { addresses, ttlMs, problem } = answer;
        settle(name, addresses, {
          ttlMs,
          problem: problem === null ? null : { how: 'partial', detail: problem },
        });
      }
    },
    (name) => failed(name, 'timeout', `A ${name}: not asked, earlier names took too long`),
  );
  return toRound([...outcomes.values()]);
}

/** Glue is cut silently where it does not fit: a family that is known and not there must be asked about. */
function lacksFamily(glue: readonly string[], known: readonly string[]): boolean {
  const has = (list: readonly string[], v6: boolean): boolean =>
    list.some((address) => address.includes(':') === v6);
  return (has(known, true) && !has(glue, true)) || (has(known, false) && !has(glue, false));
}

function toRound(outcomes: readonly Outcome[]): Round {
  const members = outcomes.flatMap((outcome) => outcome.members);
  const ttls = outcomes.flatMap((outcome) => (outcome.ttlMs === null ? [] : [outcome.ttlMs]));
  const ttlMs = ttls.length === 0 ? null : Math.min(...ttls);
  const problem = outcomes.find((outcome) => outcome.problem !== null)?.problem ?? null;
  if (members.length > 0)
    return {
      kind: 'members',
      members,
      complete: true,
      ttlMs: ttlMs ?? Number.POSITIVE_INFINITY,
      problem: problem?.detail ?? null,
    };
  // Nobody was found, but of somebody nothing could be learnt: that is not "nobody is there".
  if (outcomes.some((outcome) => outcome.unknown))
    return { kind: 'failed', ...(problem ?? { how: 'error', detail: 'no target could be resolved' }) };
  return { kind: 'empty', ttlMs, nxdomain: false, detail: 'none of the names has an address' };
}
