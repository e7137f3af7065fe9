import type { z } from 'zod';
import { isPresetName, withPreset } from '../../leadership/presets.ts';
import type { Path } from '../problem.ts';
import { withAdvice } from './advice.ts';
import { isMapping, type Report, readFields, readList, readValue } from './read-fields.ts';
import { document, listener } from './schema.ts';
import { backend } from './schema-backend.ts';
import { rule } from './schema-rule.ts';
import { selection, TELLTALE_KEYS } from './schema-selection.ts';
import { nearest } from './suggest.ts';

type Fields<S extends z.ZodType> = Partial<z.output<S>>;

/** What could be read of a backend; a field that is missing here was absent without need, or wrong and reported. */
export interface BackendPart {
  readonly path: Path;
  readonly fields: Fields<typeof backend>;
  /** The name as written, though it be of a backend with mistakes. */
  readonly name: string | null;
  /** Whether the file gives it a leader, though it be a wrong one. */
  readonly hasLeader: boolean;
  /** Whether the file lists its Pods, though wrongly. */
  readonly hasStatic: boolean;
  /** Keys that the file has, readable or not. */
  readonly given: ReadonlySet<string>;
}

export interface RulePart {
  readonly path: Path;
  readonly fields: Fields<typeof rule>;
  /** The given name, or the one that stands for it. */
  readonly name: string;
  /** The backends named in it, by position, though other things be wrong there. */
  readonly refNames: ReadonlyMap<number, string>;
  /** Keys that the file has, readable or not, and those that misspelt ones were meant for. */
  readonly given: ReadonlySet<string>;
}

export interface ListenerPart {
  readonly path: Path;
  readonly fields: Omit<Fields<typeof listener>, 'rules'>;
  readonly rules: readonly RulePart[];
}

/** Everything that could be read of a file, with the places it came from. */
export interface Parts {
  readonly fields: Omit<Fields<typeof document>, 'backends' | 'listeners'>;
  readonly backends: readonly BackendPart[];
  readonly listeners: readonly ListenerPart[];
}

/** Reads a whole document; every mistake of grammar is reported, what is right is in the result all the same. */
export function readDocument(raw: unknown, plainReport: Report): Parts {
  const report = withAdvice(raw, plainReport);
  const fields = readFields(document, raw, [], report, ['backends', 'listeners']);
  if (!isMapping(raw)) return { fields, backends: [], listeners: [] };
  const backends = readList(raw.backends, ['backends'], report);
  const listeners = readList(raw.listeners, ['listeners'], report);
  return {
    fields,
    backends: backends.map((entry, index) => readBackend(entry, ['backends', index], report)),
    listeners: listeners.map((entry, index) => readListener(entry, ['listeners', index], report)),
  };
}

function readBackend(raw: unknown, path: Path, report: Report): BackendPart {
  const given = isMapping(raw) ? raw : {};
  return {
    path,
    fields: readFields(backend, expandPreset(raw), path, report),
    name: typeof given.name === 'string' ? given.name : null,
    hasLeader: Object.hasOwn(given, 'leader'),
    hasStatic: isMapping(given.discovery) && Object.hasOwn(given.discovery, 'static'),
    given: new Set(Object.keys(given)),
  };
}

function expandPreset(raw: unknown): unknown {
  if (!isMapping(raw) || !isMapping(raw.leader)) return raw;
  const leader = besideSentinels(raw.leader);
  if (!isPresetName(leader.preset)) return raw;
  return { ...raw, leader: withPreset(leader.preset, leader) };
}

/** Whoever gives Sentinels, by their type or their key alone, has Redis and asks the Pods as its preset does. */
function besideSentinels(leader: Record<string, unknown>): Record<string, unknown> {
  const { type, sentinel } = leader;
  const isSentinel = type === 'Sentinel' || (type === undefined && sentinel !== undefined);
  return isSentinel ? { preset: 'redis', ...leader, type: 'Sentinel' } : leader;
}

function readListener(raw: unknown, path: Path, report: Report): ListenerPart {
  const fields = readFields(listener, raw, path, report, ['rules']);
  const rules = isMapping(raw) ? readList(raw.rules, [...path, 'rules'], report) : [];
  const prefix = isMapping(raw) && typeof raw.name === 'string' ? raw.name : `listener-${path.at(-1)}`;
  return {
    path,
    fields,
    rules: rules.map((entry, index) =>
      readRule(entry, [...path, 'rules', index], `${prefix}-${index}`, report),
    ),
  };
}

function readRule(raw: unknown, path: Path, defaultName: string, report: Report): RulePart {
  const fields: Fields<typeof rule> = readFields(rule, raw, path, report, ['selection']);
  const given = isMapping(raw) ? raw : {};
  const chosen = readSelection(given.selection, [...path, 'selection'], report);
  if (chosen !== undefined) fields.selection = chosen;
  return {
    path,
    fields,
    name: typeof given.name === 'string' ? given.name : defaultName,
    refNames: refNamesOf(given.backendRefs),
    given: new Set(Object.keys(given).flatMap((key) => [key, nearest(key, ['hostnames', 'matches']) ?? key])),
  };
}

function refNamesOf(raw: unknown): Map<number, string> {
  const names = new Map<number, string>();
  for (const [index, ref] of (Array.isArray(raw) ? raw : []).entries())
    if (isMapping(ref) && typeof ref.name === 'string') names.set(index, ref.name);
  return names;
}

function readSelection(raw: unknown, path: Path, report: Report) {
  if (isMapping(raw) && !Object.hasOwn(raw, 'type')) {
    const key = Object.keys(raw).find((name) => TELLTALE_KEYS.has(name));
    if (key !== undefined) {
      report([...path, 'type'], `is missing: ${key} belongs to type: ${TELLTALE_KEYS.get(key)}`);
      return undefined;
    }
  }
  return readValue(selection, raw, path, report);
}
