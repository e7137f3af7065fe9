import type { MatchConfig, RuleConfig } from '../model/config.ts';
import type { Route } from '../model/snapshot.ts';

/**
 * The routes of a listener's rules in order of precedence (SPEC 2; Gateway API, HTTPRouteRule): hostnames first, then
 * path, method, number of headers, number of query parameters, order in the file. Pure.
 *
 * A match without a path is one with the prefix `/` (Gateway API, HTTPRouteMatch), which is no condition at all: both
 * rank after regular expressions, which are more specific.
 */
export function orderRoutes(rules: readonly RuleConfig[]): Route[] {
  const ranked: { readonly route: Route; readonly rank: readonly number[] }[] = [];
  for (const rule of rules)
    for (const match of rule.matches.length === 0 ? [null] : rule.matches)
      for (const hostname of rule.hostnames.length === 0 ? [null] : rule.hostnames)
        ranked.push({ route: { rule, hostname, match }, rank: [...hostRank(hostname), ...matchRank(match)] });
  // Sorting is stable: what ranks alike stays in the order of the file.
  return ranked.sort((a, b) => compare(a.rank, b.rank)).map(({ route }) => route);
}

/** Greater numbers rank first. Exact hosts before wildcards, longer before shorter, any host last. */
function hostRank(hostname: string | null): number[] {
  if (hostname === null) return [0, 0];
  return [hostname.startsWith('*.') ? 1 : 2, hostname.length];
}

function matchRank(match: MatchConfig | null): number[] {
  if (match === null) return [0, 0, 0, 0, 0];
  return [
    ...pathRank(match),
    match.methods.length > 0 ? 1 : 0,
    match.headers.length,
    match.queryParams.length,
  ];
}

function pathRank({ path }: MatchConfig): number[] {
  switch (path?.type) {
    case 'Exact':
      return [3, 0];
    case 'PathPrefix': {
      const { length } = withoutFinalSlash(path.value);
      return length === 0 ? [0, 0] : [2, length];
    }
    case 'RegularExpression':
      return [1, 0];
    case undefined:
      return [0, 0];
  }
}

/** `/t/` and `/t` are one prefix (Gateway API, PathMatchType). */
export function withoutFinalSlash(prefix: string): string {
  return prefix.endsWith('/') ? prefix.slice(0, -1) : prefix;
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (const [index, rank] of a.entries()) if (rank !== b[index]) return b[index]! - rank;
  return 0;
}
