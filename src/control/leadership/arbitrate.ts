import {
  type Descendant,
  firstByLineage,
  hasSucceeded,
  type Lineage,
  type Reigning,
} from '../probe/lineage.ts';
import { compareTerms, higherTerm, type SeenTerm } from '../probe/terms.ts';

/** A Pod that claims to lead. */
export interface Claimant extends Descendant {
  readonly name: string;
  readonly ready: boolean;
  /** Canonical decimal digits, or null where none is shown. */
  readonly term: string | null;
}

export interface Verdict {
  readonly state: 'known' | 'none' | 'conflict';
  readonly leaderId: number | null;
  readonly term: string | null;
  readonly claimants: readonly string[];
  readonly reason: string;
  /** The highest term seen so far, these claims included. */
  readonly highestTerm: SeenTerm | null;
}

/** What was seen before. */
export interface Past {
  readonly highestTerm: SeenTerm | null;
  readonly reigning: Reigning | null;
  /** The Pod that others name as leader, if any. */
  readonly named: number | null;
  /** Why one that would lead does not, for what is remembered of the leader before it; null: nothing speaks against it. */
  objection(claimant: Claimant): string | null;
}

/**
 * Who leads (SPEC 3, Leadership). Pure, and stable: the same claims give the same verdict again.
 *
 * - An unready claimant neither leads nor conflicts; the term that it shows is seen all the same, and so is whom it has
 *   succeeded: that one leads no more.
 * - Of several ready claimants the one with the highest term leads under `HighestTerm` if all show one, else the one that
 *   their lineage puts before all others, else the one that is named from outside; else they conflict.
 * - Whoever is left leads only if no higher term was ever seen (promise 5: terms never go back).
 */
export function arbitrate(
  claims: readonly Claimant[],
  { highestTerm: highestBefore, reigning, named, objection }: Past,
  onConflict: 'Refuse' | 'HighestTerm',
): Verdict {
  let highestTerm = highestBefore;
  for (const { term, name } of claims)
    if (term !== null) highestTerm = higherTerm(highestTerm, { term, shownBy: name });
  const nobody = { leaderId: null, term: null, claimants: claims.map(({ name }) => name), highestTerm };

  const able = claims.filter(({ ready }) => ready);
  if (able.length === 0) {
    const unready = claims.map(({ name }) => `${name} claims but is unready`).join('; ');
    return { ...nobody, state: 'none', reason: unready === '' ? 'no Pod claims to lead' : unready };
  }
  const highest = able.length > 1 && onConflict === 'HighestTerm' ? highestOf(able) : null;
  const first = highest ?? firstByLineage(able, reigning);
  const winner = able.length === 1 ? able[0]! : (first ?? able.find(({ podId }) => podId === named) ?? null);
  if (winner === null) {
    const unrelated = able.every(({ lineage }) => lineage !== null)
      ? ', and none has succeeded all others'
      : '';
    const reason = `${claimantsInWords(able)} claim to lead${unrelated}`;
    return { ...nobody, state: 'conflict', reason };
  }
  const { name, term, podId } = winner;
  if (term !== null && highestTerm !== null && compareTerms(term, highestTerm.term) < 0) {
    const seen = `term ${highestTerm.term} was seen, which ${highestTerm.shownBy} showed`;
    const reason = `${name} claims with term ${term}, but ${seen}`;
    return { ...nobody, state: 'none', reason };
  }
  const successor = claims.find((other) => !other.ready && follows(other, winner));
  const against =
    successor === undefined
      ? objection(winner)
      : `${name} claims, but ${successor.name}, which claims but is unready, has succeeded it`;
  if (against !== null) return { ...nobody, state: 'none', reason: against };
  const others = winner === highest ? [] : able.filter((other) => other !== winner);
  const reason = [
    winner === highest ? `${name} claims with the highest term, ${term!}` : `${name} claims to lead`,
    ...others.map((other) =>
      first === null ? `${other.name} claims too but is not named` : overruled(winner, other),
    ),
  ].join('; ');
  return { ...nobody, state: 'known', leaderId: podId, term, reason };
}

/** Claimants that are named at most. */
const MAX_NAMED = 5;
/** As much of an id as tells it apart from others. */
const ID_CHARS = 8;

/** `db-0 (term 7) and db-1 (term 8)`: what each shows. */
function claimantsInWords(claims: readonly Claimant[]): string {
  const shown = claims.slice(0, MAX_NAMED).map(({ name, term, lineage }) => {
    const marks = [
      ...(term === null ? [] : [`term ${term}`]),
      ...(lineage === null ? [] : [`id ${shortId(lineage.id)}, ${cameFrom(lineage)}`]),
    ];
    return marks.length === 0 ? name : `${name} (${marks.join(', ')})`;
  });
  const rest = claims.length - shown.length;
  return rest === 0 ? shown.join(' and ') : `${shown.join(', ')} and ${rest} more`;
}

function cameFrom({ previous }: Lineage): string {
  return previous === null ? 'never promoted' : `promoted from ${shortId(previous)}`;
}

function shortId(id: string): string {
  const text = id.replace(/[^\x20-\x7e]/g, '?');
  return text.length > ID_CHARS ? `${text.slice(0, ID_CHARS)}…` : text;
}

function follows({ lineage }: Claimant, { lineage: earlier, term }: Claimant): boolean {
  return term === null && lineage !== null && earlier !== null && hasSucceeded(lineage, earlier);
}

/** Why the first leads and the other does not, by their lineage. */
function overruled({ lineage }: Claimant, other: Claimant): string {
  return hasSucceeded(lineage!, other.lineage!)
    ? `it has succeeded ${other.name}, which claims too`
    : `${other.name} claims too but was never promoted`;
}

/** The only one with the highest term, or null: two have it, or one shows none. */
function highestOf(claims: readonly Claimant[]): Claimant | null {
  let best: Claimant | null = null;
  let tied = false;
  for (const claim of claims) {
    if (claim.term === null) return null;
    const order = best === null ? 1 : compareTerms(claim.term, best.term!);
    if (order === 0) tied = true;
    if (order > 0) {
      best = claim;
      tied = false;
    }
  }
  return tied ? null : best;
}
