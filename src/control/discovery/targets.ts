import { eachBounded } from './bounded.ts';
import type { Member } from './contract.ts';
import { type IdentityScope, identityOf, member } from './identity.ts';
import type { Round } from './membership.ts';
import { followUpBudgetMs, type SourceContext } from './source.ts';

/** A Pod's DNS name and port, whose addresses are to be found. */
export interface Target {
  readonly name: string;
  readonly port: number;
}

interface Outcome {
  readonly addresses: readonly string[];
  readonly ttlMs: number | null;
  /** Nothing is known of it: its look-up failed and never succeeded before. */
  readonly unknown: boolean;
  readonly problem: string | null;
}

/**
 * Resolves targets by name (those in `glue` are known already). A target is judged alone: one that does not exist is
 * absent, one whose look-up fails keeps its last addresses (case N1).
 */
export async function resolveTargets(
  context: SourceContext,
  targets: readonly Target[],
  glue: ReadonlyMap<string, readonly string[]>,
  scope: IdentityScope,
  seen: (member: Member) => void,
): Promise<{ readonly round: Round; readonly outcomes: ReadonlyMap<string, Outcome> }> {
  const { book } = context;
  const outcomes = new Map<string, Outcome>();
  const ports = new Map<string, number[]>();
  for (const { name, port } of targets) ports.set(name, [...(ports.get(name) ?? []), port]);
  const membersOf = (name: string, addresses: readonly string[]): Member[] =>
    (ports.get(name) ?? []).map((port) => member(identityOf(name, addresses, scope), addresses, port));
  const settle = (name: string, outcome: Outcome): void => {
    outcomes.set(name, outcome);
    if (outcome.addresses.length > 0) for (const found of membersOf(name, outcome.addresses)) seen(found);
  };
  const failed = (name: string, problem: string): void => {
    const addresses = book.last(name);
    settle(name, { addresses, ttlMs: null, unknown: addresses.length === 0, problem });
  };

  const asked: string[] = [];
  for (const name of ports.keys()) {
    const addresses = glue.get(name);
    if (addresses === undefined || lacksFamily(addresses, book.last(name))) asked.push(name);
    else {
      book.remember(name, addresses);
      settle(name, { addresses, ttlMs: null, unknown: false, problem: null });
    }
  }
  // Those not known yet first, should the time run out.
  asked.sort((a, b) => Math.sign(book.last(a).length) - Math.sign(book.last(b).length));
  await eachBounded(
    asked,
    context.clock,
    followUpBudgetMs(context),
    async (name) => {
      const early = (addresses: readonly string[]): void => {
        for (const found of membersOf(name, addresses)) if (found.addresses.length > 0) seen(found);
      };
      const answer = await book.ask(name, (addresses) =>
        addresses.length > 0 ? early(addresses) : undefined,
      );
      if (answer.kind === 'failed') failed(name, answer.detail);
      else if (answer.kind === 'absent')
        settle(name, { addresses: [], ttlMs: answer.ttlMs, unknown: false, problem: null });
      else settle(name, { ...answer, unknown: false });
    },
    (name) => failed(name, `A ${name}: not asked, earlier names took too long`),
  );
  return { round: toRound(outcomes, membersOf), outcomes };
}

/** Glue is cut silently where it does not fit: a family that is known and not there must be asked about. */
function lacksFamily(glue: readonly string[], known: readonly string[]): boolean {
  const has = (list: readonly string[], v6: boolean): boolean =>
    list.some((address) => address.includes(':') === v6);
  return (has(known, true) && !has(glue, true)) || (has(known, false) && !has(glue, false));
}

function toRound(
  outcomes: ReadonlyMap<string, Outcome>,
  membersOf: (name: string, addresses: readonly string[]) => Member[],
): Round {
  const members: Member[] = [];
  let ttlMs: number | null = null;
  let problem: string | null = null;
  let unknown = false;
  for (const [name, outcome] of outcomes) {
    if (outcome.addresses.length > 0) members.push(...membersOf(name, outcome.addresses));
    if (outcome.ttlMs !== null) ttlMs = Math.min(ttlMs ?? outcome.ttlMs, outcome.ttlMs);
    problem ??= outcome.problem;
    unknown ||= outcome.unknown;
  }
  if (members.length > 0)
    return { kind: 'members', members, complete: true, ttlMs: ttlMs ?? Number.POSITIVE_INFINITY, problem };
  // Nobody was found, but of somebody nothing could be learnt: that is not "nobody is there".
  if (unknown) return { kind: 'failed', detail: problem ?? 'no target could be resolved' };
  return { kind: 'empty', ttlMs, detail: 'none of the names has an address' };
}
