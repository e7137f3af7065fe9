/**
 * Whom a claimant followed before it was promoted (SPEC 3, Lineage; docs/adr/0009-lineage.md): the id of the data's history since
 * it was made leader, and that of the one which it had followed until then.
 */
export interface Lineage {
  readonly id: string;
  /** null: it was never promoted. */
  readonly previous: string | null;
}

/** A claimant as far as lineage is concerned. */
export interface Descendant {
  readonly podId: number;
  readonly lineage: Lineage | null;
}

/** The leader so far, if it has led without a break until now. */
export interface Reigning {
  readonly podId: number;
  readonly id: string;
}

/** Whether `later` was promoted while it followed `earlier`. */
export function hasSucceeded(later: Lineage, earlier: Lineage): boolean {
  return later.previous === earlier.id && earlier.previous !== later.id;
}

/** The only claimant that comes before each of the others, or null: their lineage does not say. */
export function firstByLineage<T extends Descendant>(
  claims: readonly T[],
  reigning: Reigning | null,
): T | null {
  return (
    claims.find((claim) => claims.every((other) => other === claim || comesBefore(claim, other, reigning))) ??
    null
  );
}

/**
 * Whether one of two claimants leads and the other does not. A newcomer that was never promoted cannot have taken over from
 * whoever leads; every other pair may be right or wrong.
 */
function comesBefore(claim: Descendant, other: Descendant, reigning: Reigning | null): boolean {
  const { podId, lineage } = claim;
  // The same id twice is one process under two names, or a copy.
  if (lineage === null || other.lineage === null || lineage.id === other.lineage.id) return false;
  if (hasSucceeded(lineage, other.lineage)) return true;
  const reigns = reigning !== null && reigning.podId === podId && reigning.id === lineage.id;
  return reigns && other.lineage.previous === null;
}

/** Values that stand for "nobody", as Redis writes them. */
const NOBODY = /^0*$/;

/**
 * The lineage that an answer shows.
 * @param id null: not shown @param previous null: not shown
 * @returns null: it shows none
 */
export function lineageOf(id: string | null, previous: string | null): Lineage | null {
  if (id === null || NOBODY.test(id)) return null;
  return { id, previous: previous === null || NOBODY.test(previous) ? null : previous };
}

export function sameLineage(a: Lineage | null, b: Lineage | null): boolean {
  return a === b || (a !== null && b !== null && a.id === b.id && a.previous === b.previous);
}
