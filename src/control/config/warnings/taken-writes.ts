import type { FieldMatch, MatchConfig, PathMatch, RuleConfig } from '../../../model/config.ts';
import type { Route } from '../../../model/snapshot.ts';
import { orderRoutes, withoutFinalSlash } from '../../routes.ts';
import { assembleRule } from '../grammar/assemble.ts';
import type { ListenerPart, Parts, RulePart } from '../grammar/read-document.ts';
import type { Report } from '../grammar/read-fields.ts';

const WRITES: readonly string[] = ['POST', 'PUT', 'PATCH', 'DELETE'];

/**
 * Rules that are more specific than a Leader rule and so take writes from it, to Pods of the same backend that need not lead: a
 * rule for a path, say, that names no method (SPEC 2's own `tenant`). One that names its methods means them, and where the Leader
 * rule names none, it is not by the method that writes are told from reads.
 */
export function warnOfTakenWrites({ listeners }: Parts, report: Report): void {
  for (const listener of listeners) if (listener.fields.protocol !== 'TCP') warnIn(listener, report);
}

function warnIn({ rules }: ListenerPart, report: Report): void {
  const parts = new Map<RuleConfig, RulePart>(rules.map((part) => [assembleRule(part), part]));
  const told = new Set<RuleConfig>();
  const routes = orderRoutes([...parts.keys()]);
  for (const [index, leader] of routes.entries()) {
    if (leader.rule.selection.type !== 'Leader') continue;
    for (const taker of routes.slice(0, index)) {
      if (told.has(taker.rule) || !takesUnawares(taker, leader)) continue;
      const methods = writesOf(leader).filter((method) => firstFor(taker, leader, method, routes) === taker);
      if (methods.length === 0) continue;
      told.add(taker.rule);
      report(
        parts.get(taker.rule)!.path,
        `takes ${methods.join(', ')}${placeOf(taker)} from ${leader.rule.name}, being more specific, and its Pod need not lead: if only reads are meant, add method: [GET, HEAD] to its matches`,
      );
    }
  }
}

/** Whether writes would go where nobody said that writes should. */
function takesUnawares({ rule, match }: Route, leader: Route): boolean {
  if ((match?.methods ?? []).length > 0) return false;
  const { selection } = rule;
  if (selection.type === 'Leader' || (selection.type === 'FanOut' && !selection.allowUnsafe)) return false;
  const used = (of: RuleConfig): string[] =>
    of.backendRefs.filter(({ weight }) => weight > 0).map(({ name }) => name);
  return used(rule).some((name) => used(leader.rule).includes(name));
}

function writesOf({ match }: Route): readonly string[] {
  return (match?.methods ?? []).filter((method) => WRITES.includes(method));
}

/** What is known of some requests. */
interface Requests {
  readonly host: string | null;
  readonly path: PathMatch;
  readonly method: string;
  readonly headers: readonly FieldMatch[];
  readonly queryParams: readonly FieldMatch[];
}

/** The route that takes requests which meet both; undefined where there may be no such requests. */
function firstFor(taker: Route, leader: Route, method: string, routes: readonly Route[]): Route | undefined {
  const requests: Requests = {
    host: taker.hostname ?? leader.hostname,
    path: pathOf(taker.match),
    method,
    headers: [...(taker.match?.headers ?? []), ...(leader.match?.headers ?? [])],
    queryParams: [...(taker.match?.queryParams ?? []), ...(leader.match?.queryParams ?? [])],
  };
  if (contradict(requests.headers) || contradict(requests.queryParams)) return undefined;
  if (!takes(leader, requests)) return undefined;
  return routes.find((route) => takes(route, requests));
}

/** Whether a route takes all of the requests, as far as that is certain. */
function takes({ hostname, match }: Route, { host, path, method, headers, queryParams }: Requests): boolean {
  const methods = match?.methods ?? [];
  const has = (known: readonly FieldMatch[], wanted: readonly FieldMatch[] = []): boolean =>
    wanted.every((field) => known.some((other) => sameField(field, other)));
  return (
    coversHost(hostname, host) &&
    coversPath(pathOf(match), path) &&
    (methods.length === 0 || methods.includes(method)) &&
    has(headers, match?.headers) &&
    has(queryParams, match?.queryParams)
  );
}

function coversHost(wide: string | null, narrow: string | null): boolean {
  if (wide === null || wide === narrow) return true;
  return narrow !== null && wide.startsWith('*.') && narrow.replace(/^\*/, '').endsWith(wide.slice(1));
}

function coversPath(wide: PathMatch, narrow: PathMatch): boolean {
  if (wide.type === narrow.type && wide.value === narrow.value) return true;
  if (wide.type !== 'PathPrefix') return false;
  const prefix = withoutFinalSlash(wide.value);
  if (prefix === '') return true;
  if (narrow.type === 'RegularExpression') return false;
  const value = narrow.type === 'PathPrefix' ? withoutFinalSlash(narrow.value) : narrow.value;
  return value === prefix || value.startsWith(`${prefix}/`);
}

function pathOf(match: MatchConfig | null): PathMatch {
  return match?.path ?? { type: 'PathPrefix', value: '/' };
}

function sameField(a: FieldMatch, b: FieldMatch): boolean {
  return a.type === b.type && a.name === b.name && a.value === b.value;
}

/** Two conditions on one field: perhaps no request meets both. */
function contradict(fields: readonly FieldMatch[]): boolean {
  return fields.some((field) =>
    fields.some((other) => other.name === field.name && !sameField(field, other)),
  );
}

function placeOf({ hostname, match }: Route): string {
  const path = pathOf(match);
  const words =
    path.type === 'Exact'
      ? ` ${path.value}`
      : path.type === 'PathPrefix'
        ? ` under ${path.value}`
        : ` ~ ${path.value}`;
  return `${path.value === '/' && path.type === 'PathPrefix' ? '' : words}${hostname === null ? '' : ` of ${hostname}`}`;
}
