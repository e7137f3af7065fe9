import type { RuleConfig } from '../../model/config.ts';
import type { ListenerSnapshot } from '../../model/snapshot.ts';
import type { RequestView } from '../request-view.ts';
import { type Condition, conditionsOf } from './conditions.ts';
import { RouteIndex } from './route-index.ts';

/** One route that was tried, in words. */
export interface Tried {
  readonly rule: string;
  readonly matched: boolean;
  readonly why: string;
}

/** How the rules take a request, in words. */
export interface Matching {
  /** The routes in order of precedence up to the one that matched: a rule with several matches or hostnames shows up once for each. */
  readonly tried: readonly Tried[];
  /** The other rules that match, in order of precedence, each once. */
  readonly alsoMatch: readonly { readonly rule: string; readonly why: string }[];
}

/** The rules of one listener, compiled. */
export interface Matcher {
  /** The rule of the first route, in order of precedence, whose conditions all hold; null: none (404 `no_route`). */
  match(request: RequestView): RuleConfig | null;
  explain(request: RequestView): Matching;
}

export function compileMatcher(listener: ListenerSnapshot): Matcher {
  const { routes } = listener;
  const conditions = routes.map((route) => conditionsOf(route.hostname, route.match));
  const index = new RouteIndex(routes);
  const test = (route: number, request: RequestView): boolean => {
    for (const condition of conditions[route]!) if (!condition.holds(request)) return false;
    return true;
  };
  return {
    match: (request) => routes[index.first(request, test)]?.rule ?? null,
    explain(request) {
      const taken = index.first(request, test);
      const words = (number: number): string => whyOf(conditions[number]!, request);
      const tried = routes.slice(0, taken + 1).map(({ rule }, number) => ({
        rule: rule.name,
        matched: number === taken,
        why: words(number),
      }));
      const alsoMatch = new Map<RuleConfig, string>();
      for (let number = taken + 1; number < routes.length; number++) {
        const { rule } = routes[number]!;
        if (rule !== routes[taken]!.rule && !alsoMatch.has(rule) && test(number, request))
          alsoMatch.set(rule, words(number));
      }
      return { tried, alsoMatch: [...alsoMatch].map(([{ name }, why]) => ({ rule: name, why })) };
    },
  };
}

function whyOf(conditions: readonly Condition[], request: RequestView): string {
  const missed = conditions.find((condition) => !condition.holds(request));
  if (missed !== undefined) return `needs: ${missed.words}; but ${missed.found(request)}`;
  return conditions.length === 0
    ? 'takes every request'
    : conditions.map((condition) => condition.words).join(', and ');
}

const compiled = new WeakMap<ListenerSnapshot, Matcher>();

/** The matcher of a listener, compiled on first use and kept as long as the listener's snapshot is the same value. */
export function matcherFor(listener: ListenerSnapshot): Matcher {
  let matcher = compiled.get(listener);
  if (matcher === undefined) {
    matcher = compileMatcher(listener);
    compiled.set(listener, matcher);
  }
  return matcher;
}
