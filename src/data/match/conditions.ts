import { RE2JS } from 're2js';
import type { FieldMatch, ListenerConfig, MatchConfig, PathMatch } from '../../model/config.ts';
import { toByteString, toText } from '../byte-string.ts';
import { firstQueryParam } from '../query-params.ts';
import type { RequestView } from '../request-view.ts';

/** One condition of a route. */
export interface Condition {
  holds(request: RequestView): boolean;
  /** The condition in words: `path is under /t`. */
  readonly words: string;
  /** What the request has instead, in words. */
  found(request: RequestView): string;
}

/** The conditions of one route: its hostname, then those of its match; all must hold. */
export function conditionsOf(hostname: string | null, match: MatchConfig | null): readonly Condition[] {
  const ofMatch = match === null ? [] : ofMatchConfig(match);
  return hostname === null ? ofMatch : [hostCondition(hostname), ...ofMatch];
}

const compiled = new WeakMap<MatchConfig, readonly Condition[]>();

/** Kept as long as the match is the same value, for a thousand regular expressions take 100 ms and more to compile. */
function ofMatchConfig(match: MatchConfig): readonly Condition[] {
  let conditions = compiled.get(match);
  if (conditions === undefined) {
    conditions = compileMatch(match);
    compiled.set(match, conditions);
  }
  return conditions;
}

function compileMatch(match: MatchConfig): Condition[] {
  const conditions: Condition[] = [];
  if (match.path !== null) conditions.push(pathCondition(match.path));
  if (match.methods.length > 0) conditions.push(methodCondition(match.methods));
  for (const header of match.headers) conditions.push(fieldCondition('header', header));
  for (const param of match.queryParams) conditions.push(fieldCondition('query parameter', param));
  return conditions;
}

/** Compiles the conditions of all rules ahead, in steps (platform/turn.ts): else the first request would wait for them. */
export function* compileConditions(listeners: readonly ListenerConfig[]): Generator<void, void> {
  for (const { rules } of listeners)
    for (const { matches } of rules)
      for (const match of matches) {
        ofMatchConfig(match);
        yield;
      }
}

/** The host to match by: a final dot, as in an absolute DNS name, makes no difference. */
export function hostOf(request: RequestView): string {
  const { host } = request;
  return host.endsWith('.') ? host.slice(0, -1) : host;
}

/** `*.example.com` takes one label or more in front (Gateway API, Hostname), never none. */
function hostCondition(hostname: string): Condition {
  const suffix = hostname.startsWith('*.') ? hostname.slice(1) : null;
  return {
    holds(request) {
      const host = hostOf(request);
      return suffix === null ? host === hostname : host.length > suffix.length && host.endsWith(suffix);
    },
    words: `host is ${hostname}`,
    found: (request) => (request.host === '' ? 'there is no host' : `the host is ${toText(request.host)}`),
  };
}

/**
 * Paths are matched as they were sent: no percent-decoding, no removal of `.` and `..` segments, of double slashes or
 * of `;parameters`. What is matched is what the Pod gets, so that a rule and a Pod never disagree because of a rewriting
 * between them. The hazard is the Pod's own reading: a server that resolves `/t/../admin` or `/%61dmin` serves `/admin`
 * although a rule for `/admin` did not match, so a rule is for routing and not for keeping anybody out.
 */
function pathCondition({ type, value }: PathMatch): Condition {
  const found = (request: RequestView): string => `the path is ${toText(request.path)}`;
  if (type === 'Exact') {
    const exact = toByteString(value);
    return { holds: (request) => request.path === exact, words: `path is ${value}`, found };
  }
  if (type === 'PathPrefix') {
    const prefix = prefixOf(value);
    return { holds: (request) => isUnder(request.path, prefix), words: `path is under ${value}`, found };
  }
  const whole = wholeMatch(value);
  return { holds: (request) => whole(request.path), words: `path matches ${value}`, found };
}

/** A PathPrefix without its final slash: `/t/` and `/t` mean the same (Gateway API, PathMatchType). */
export function prefixOf(value: string): string {
  const bytes = toByteString(value);
  return bytes.endsWith('/') ? bytes.slice(0, -1) : bytes;
}

/** Whether whole leading segments of the path are the prefix: `/t` takes `/t`, `/t/` and `/t/x`, not `/tx`. */
function isUnder(path: string, prefix: string): boolean {
  if (!path.startsWith(prefix)) return false;
  return path.charCodeAt(prefix.length) === 0x2f || (path.length === prefix.length && prefix !== '');
}

function methodCondition(methods: readonly string[]): Condition {
  return {
    holds: (request) => methods.includes(request.method),
    words: `method is ${methods.join(' or ')}`,
    found: (request) => `the method is ${toText(request.method)}`,
  };
}

/** The raw value that a header or query parameter match looks at. */
export function fieldOf(
  request: RequestView,
  kind: 'header' | 'query parameter',
  name: string,
): string | undefined {
  return kind === 'header' ? request.header(name) : firstQueryParam(request.query, name);
}

function fieldCondition(kind: 'header' | 'query parameter', field: FieldMatch): Condition {
  const name = kind === 'header' ? field.name.toLowerCase() : toByteString(field.name);
  const value = toByteString(field.value);
  const test = field.type === 'Exact' ? (got: string) => got === value : wholeMatch(field.value);
  return {
    holds(request) {
      const got = fieldOf(request, kind, name);
      return got !== undefined && test(got);
    },
    words: `${kind} ${field.name} ${field.type === 'Exact' ? 'is' : 'matches'} ${JSON.stringify(field.value)}`,
    found(request) {
      const got = fieldOf(request, kind, name);
      return got === undefined ? 'it is missing' : `it is ${JSON.stringify(toText(got))}`;
    },
  };
}

/**
 * RE2 semantics, linear in the input; the whole value must match, as Envoy's safe_regex does for the Gateway API. An
 * expression that does not compile is a problem of the configuration and never gets here; if one did, it would match
 * nothing rather than stop the process.
 */
function wholeMatch(expression: string): (bytes: string) => boolean {
  let compiled: RE2JS;
  try {
    compiled = RE2JS.compile(expression);
  } catch {
    return () => false;
  }
  return (bytes) => compiled.testExact(toText(bytes));
}
