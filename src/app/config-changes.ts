import { isDeepStrictEqual } from 'node:util';
import type { Config, ListenerConfig } from '../model/config.ts';

/** Lines that are told of one change of the configuration; the rest is counted. */
const MAX_LINES = 20;

interface Named {
  readonly name: string;
}

/**
 * What a change of the configuration adds, removes and changes, by name: `added backend cache`, `changed rule db/writes`.
 * @param after with what equals its predecessor being that very object (watching/keep-equal.ts)
 * @returns at most 21 lines
 */
export function configChanges(before: Config, after: Config): string[] {
  const lines = [
    ...differences('backend', before.backends, after.backends),
    ...differences('listener', before.listeners, after.listeners, isSameBesideRules),
    ...after.listeners.flatMap((listener) => rulesOf(listener, before.listeners)),
    ...settings(before, after),
  ];
  if (lines.length <= MAX_LINES) return lines;
  return [...lines.slice(0, MAX_LINES), `and ${lines.length - MAX_LINES} more`];
}

/** Those of a listener that is new are part of it. */
function rulesOf({ name, rules }: ListenerConfig, before: readonly ListenerConfig[]): string[] {
  const known = before.find((listener) => listener.name === name)?.rules;
  if (known === undefined || known === rules) return [];
  const lines = differences(`rule ${name}/`, known, rules);
  return lines.length > 0 ? lines : [`changed the order of the rules of listener ${name}`];
}

function differences<T extends Named>(
  kind: string,
  before: readonly T[],
  after: readonly T[],
  isSame: (a: T, b: T) => boolean = Object.is,
): string[] {
  const label = (name: string): string => (kind.endsWith('/') ? `${kind}${name}` : `${kind} ${name}`);
  const known = new Map(before.map((part) => [part.name, part]));
  const lines: string[] = [];
  for (const part of after) {
    const old = known.get(part.name);
    known.delete(part.name);
    if (old === undefined) lines.push(`added ${label(part.name)}`);
    else if (!isSame(old, part)) lines.push(`changed ${label(part.name)}`);
  }
  return [...lines, ...[...known.keys()].map((name) => `removed ${label(name)}`)];
}

function isSameBesideRules(a: ListenerConfig, b: ListenerConfig): boolean {
  return a === b || isDeepStrictEqual({ ...a, rules: null }, { ...b, rules: null });
}

/** Of what has no name. */
function settings(before: Config, after: Config): string[] {
  const lines: string[] = [];
  if (before.log.level !== after.log.level) lines.push('changed log.level');
  if (before.log.access !== after.log.access) lines.push('changed log.access');
  if (before.metrics.podLabel !== after.metrics.podLabel) lines.push('changed metrics.podLabel');
  if (before.shutdownTimeoutMs !== after.shutdownTimeoutMs) lines.push('changed shutdown.timeout');
  return lines;
}
