import { compareTerms, higherTerm, type SeenTerm } from './terms.ts';

/** A Pod that claims to lead. */
export interface Claimant {
  readonly podId: number;
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

/**
 * Who leads (SPEC 3, Leadership). Pure, and stable: the same claims give the same verdict again.
 *
 * - An unready claimant neither leads nor conflicts; the term that it shows is seen all the same.
 * - Two ready claimants conflict; under `HighestTerm` the one with the higher term leads if all show one.
 * - Whoever is left leads only if no higher term was ever seen (promise 5: terms never go back).
 */
export function arbitrate(
  claims: readonly Claimant[],
  highestBefore: SeenTerm | null,
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
  const winner = able.length === 1 ? able[0]! : onConflict === 'HighestTerm' ? highestOf(able) : null;
  if (winner === null) {
    const reason = `${able.map(({ name }) => name).join(' and ')} claim to lead`;
    return { ...nobody, state: 'conflict', reason };
  }
  const { name, term, podId } = winner;
  if (term !== null && highestTerm !== null && compareTerms(term, highestTerm.term) < 0) {
    const seen = `term ${highestTerm.term} was seen, which ${highestTerm.shownBy} showed`;
    const reason = `${name} claims with term ${term}, but ${seen}`;
    return { ...nobody, state: 'none', reason };
  }
  const by = able.length > 1 ? `${name} claims with the highest term, ${term!}` : `${name} claims to lead`;
  return { ...nobody, state: 'known', leaderId: podId, term, reason: by };
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
