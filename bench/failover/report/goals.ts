import type { Summary } from './summary.ts';

/** A mark that the project sets itself. */
export interface Goal {
  readonly text: string;
  /** What was measured of it. */
  measured(summary: Summary): string;
  isMet(summary: Summary): boolean;
}

const ms = (value: number): string => `${Math.round(value).toLocaleString('en')}`;

/** @param medianMs and @param maxMs after the next leader could serve */
export const added = (medianMs: number, maxMs: number): Goal => ({
  text: medianMs === maxMs ? `added: ≤ ${maxMs} ms` : `added: median ≤ ${medianMs} ms, most ≤ ${maxMs} ms`,
  measured: ({ added }) => (added === null ? 'not seen' : `${ms(added.median)} / ${ms(added.max)} ms`),
  isMet: ({ added }) => added !== null && added.median <= medianMs && added.max <= maxMs,
});

export const outage = (maxMs: number): Goal => ({
  text: `outage, first or second: ≤ ${maxMs} ms`,
  measured: (summary) => `${ms(longestOutage(summary))} ms`,
  isMet: (summary) => longestOutage(summary) <= maxMs,
});

const longestOutage = ({ outage, longestLaterMs }: Summary): number => Math.max(outage.max, longestLaterMs);

export const NO_SECOND_OUTAGE: Goal = {
  text: 'no second outage',
  measured: ({ secondOutages }) => String(secondOutages),
  isMet: ({ secondOutages }) => secondOutages === 0,
};

export const NO_ERRORS: Goal = {
  text: 'no errors',
  measured: ({ refused, unknown }) => String(refused + unknown),
  isMet: ({ refused, unknown }) => refused + unknown === 0,
};

export const NONE_LOST: Goal = {
  text: 'no acknowledged write lost',
  measured: ({ lost }) => String(lost),
  isMet: ({ lost }) => lost === 0,
};

export const NONE_DOUBLED: Goal = {
  text: 'none doubled',
  measured: ({ doubled }) => String(doubled),
  isMet: ({ doubled }) => doubled === 0,
};
