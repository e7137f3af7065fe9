import type { Lineage } from '../probe/lineage.ts';
import type { ProbeResult } from '../probe/probe-result.ts';

/** What the leader probes of one Pod have shown so far. */
export interface ClaimState {
  readonly believed: boolean;
  /** Claims in a row. */
  readonly row: number;
  /** Unanswered probes in a row. */
  readonly unanswered: number;
  readonly term: string | null;
  readonly lineage: Lineage | null;
}

export const NO_CLAIM: ClaimState = { believed: false, row: 0, unanswered: 0, term: null, lineage: null };

/** A claim that somebody else has come to believe. */
export function claimFrom(shown: Pick<ClaimState, 'term' | 'lineage'>): ClaimState {
  return { believed: true, row: 1, unanswered: 0, term: shown.term, lineage: shown.lineage };
}

/**
 * Counts one probe. Pure. A claim is believed after `successThreshold` in a row; it ends with the first answer that does
 * not claim, and after `failureThreshold` probes in a row without an answer. A probe that could not be made (`local_error`)
 * counts as none; the claim lapses by its age.
 */
export function countClaim(
  state: ClaimState,
  result: ProbeResult,
  limits: { readonly successThreshold: number; readonly failureThreshold: number },
): ClaimState {
  if (result.outcome === 'success') {
    const row = state.row + 1;
    const believed = state.believed || row >= limits.successThreshold;
    return { believed, row, unanswered: 0, term: result.term, lineage: result.lineage ?? null };
  }
  if (result.outcome === 'local_error') return state;
  if (result.answered || !state.believed) return NO_CLAIM;
  const unanswered = state.unanswered + 1;
  return unanswered >= limits.failureThreshold ? NO_CLAIM : { ...state, row: 0, unanswered };
}
