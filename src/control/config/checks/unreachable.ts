import type { FieldMatch, MatchConfig, RuleConfig } from '../../../model/config.ts';
import type { Route } from '../../../model/snapshot.ts';
import { orderRoutes, withoutFinalSlash } from '../../routes.ts';
import type { ListenerPart, Parts, RulePart } from '../grammar/read-document.ts';
import type { Report } from '../grammar/read-fields.ts';
import { formatPath } from '../problem.ts';

/**
 * Rules that no request can take, since routes that are tried earlier take all of theirs. Only what is certain: a route
 * covers another if it has the same hostname, the same path, the same fields, and its methods. (By the order of
 * precedence a wider condition is never tried earlier, so that equal ones are all that can be said without comparing
 * regular expressions.)
 */
export function checkUnreachable({ listeners }: Parts, report: Report): void {
  for (const listener of listeners) if (listener.fields.protocol !== 'TCP') checkListener(listener, report);
}

function checkListener({ rules }: ListenerPart, report: Report): void {
  const parts = new Map<RuleConfig, RulePart>();
  for (const part of rules) {
    const routed = routedRule(part);
    if (routed !== null) parts.set(routed, part);
  }
  const reached = new Set<RuleConfig>();
  const coveredBy = new Map<RuleConfig, RuleConfig>();
  const earlier = new Map<string, Route[]>();
  for (const route of orderRoutes([...parts.keys()])) {
    const key = conditionsKey(route);
    const alike = earlier.get(key) ?? [];
    earlier.set(key, [...alike, route]);
    const cover = alike.find((other) => takesMethods(other.match, route.match));
    if (cover === undefined) reached.add(route.rule);
    else coveredBy.set(route.rule, cover.rule);
  }
  for (const [rule, part] of parts) {
    const cover = coveredBy.get(rule);
    if (reached.has(rule) || cover === undefined || cover === rule) continue;
    report(
      part.path,
      `no request ever takes this rule: ${formatPath(parts.get(cover)!.path)} (${cover.name}) takes all of its requests first`,
    );
  }
}

/** A rule with what matters for routing; null where that could not be read. */
function routedRule({ name, fields, given }: RulePart): RuleConfig | null {
  if (given.has('matches') && fields.matches === undefined) return null;
  if (given.has('hostnames') && fields.hostnames === undefined) return null;
  return {
    name,
    hostnames: fields.hostnames ?? [],
    matches: fields.matches ?? [],
    backendRefs: [],
    selection: { type: 'Balance', over: 'Ready', algorithm: 'LeastRequest' },
    timeouts: { requestMs: 0, backendRequestMs: 0 },
    retry: { attempts: 0, codes: [], backoffMs: 0, budget: null },
  };
}

/** Equal for two routes that differ in their methods at most. */
function conditionsKey({ hostname, match }: Route): string {
  return JSON.stringify([hostname, pathKey(match), fieldsKey(match?.headers), fieldsKey(match?.queryParams)]);
}

function pathKey(match: MatchConfig | null): readonly string[] {
  const path = match?.path ?? { type: 'PathPrefix' as const, value: '/' };
  return [path.type, path.type === 'PathPrefix' ? withoutFinalSlash(path.value) : path.value];
}

function fieldsKey(fields: readonly FieldMatch[] | undefined): readonly string[] {
  return (fields ?? []).map(({ type, name, value }) => JSON.stringify([type, name, value])).sort();
}

function takesMethods(earlier: MatchConfig | null, later: MatchConfig | null): boolean {
  const taken = earlier?.methods ?? [];
  const wanted = later?.methods ?? [];
  return taken.length === 0 || (wanted.length > 0 && wanted.every((method) => taken.includes(method)));
}
