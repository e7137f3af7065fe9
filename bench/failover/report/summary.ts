import type { RoundResult } from '../judge.ts';

export interface Spread {
  readonly median: number;
  readonly max: number;
}

/** All rounds of one scenario and proxy. */
export interface Summary {
  readonly rounds: number;
  /** Null: no round in which it was seen when the next leader could serve. */
  readonly added: Spread | null;
  readonly outage: Spread;
  /** Later stretches without an acknowledgement that were longer than SECOND_OUTAGE_MS. */
  readonly secondOutages: number;
  readonly longestLaterMs: number;
  readonly acknowledged: number;
  readonly refused: number;
  readonly unknown: number;
  readonly lost: number;
  readonly doubled: number;
}

/** Shorter ones are pauses of a busy machine. */
export const SECOND_OUTAGE_MS = 500;

export function summarise(rounds: readonly RoundResult[]): Summary {
  const later = rounds.map(({ laterOutageMs }) => laterOutageMs);
  const total = (of: (round: RoundResult) => number): number =>
    rounds.reduce((sum, round) => sum + of(round), 0);
  const said = (counts: Readonly<Record<string, number>>): number =>
    Object.values(counts).reduce((sum, n) => sum + n, 0);
  return {
    rounds: rounds.length,
    added: spread(rounds.flatMap(({ addedMs }) => (addedMs === null ? [] : [addedMs]))),
    outage: spread(rounds.map(({ outageMs }) => outageMs))!,
    secondOutages: later.filter((ms) => ms > SECOND_OUTAGE_MS).length,
    longestLaterMs: Math.max(...later),
    acknowledged: total((round) => round.acknowledged),
    refused: total((round) => said(round.refused)),
    unknown: total((round) => said(round.unknown)),
    lost: total((round) => round.lost),
    doubled: total((round) => round.doubled),
  };
}

/** The round in the middle, by its outage: the one that the picture shows. */
export function middleRound(rounds: readonly RoundResult[]): RoundResult {
  const sorted = [...rounds].sort((a, b) => a.outageMs - b.outageMs);
  return sorted[(sorted.length - 1) >> 1]!;
}

function spread(values: readonly number[]): Spread | null {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  return { median, max: sorted.at(-1)! };
}
