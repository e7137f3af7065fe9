import { isDeepStrictEqual } from 'node:util';
import type { Config, ListenerConfig } from '../../../model/config.ts';

interface Named {
  readonly name: string;
}

/**
 * `after`, with every backend, listener and rule that equals its predecessor replaced by that very object, and `before` itself
 * where all do: what is derived from a part (matchers, counters, turns) lives as long as the part. 1,000 rules take some 5 ms
 * to compare, hence steps (platform/turn.ts).
 */
export function* keepEqualParts(before: Config | null, after: Config): Generator<void, Config> {
  if (before === null || before === after) return after;
  const backends = yield* keepList(before.backends, after.backends, keepPart);
  const listeners = yield* keepList(before.listeners, after.listeners, keepListener);
  return yield* keepPart(before, { ...after, backends, listeners });
}

function* keepListener(before: ListenerConfig, after: ListenerConfig): Generator<void, ListenerConfig> {
  const rules = yield* keepList(before.rules, after.rules, keepPart);
  return yield* keepPart(before, { ...after, rules });
}

/** The very list where nothing of it changed, so that comparing what holds it ends there. */
function* keepList<T extends Named>(
  before: readonly T[],
  after: readonly T[],
  keep: (before: T, after: T) => Generator<void, T>,
): Generator<void, readonly T[]> {
  const known = new Map(before.map((part) => [part.name, part]));
  const kept: T[] = [];
  for (const part of after) {
    const old = known.get(part.name);
    kept.push(old === undefined || old === part ? part : yield* keep(old, part));
    yield;
  }
  return kept.length === before.length && kept.every((part, i) => part === before[i]) ? before : kept;
}

// biome-ignore lint/correctness/useYield: one step, short enough
function* keepPart<T>(before: T, after: T): Generator<void, T> {
  return isDeepStrictEqual(before, after) ? before : after;
}
