import type { z } from 'zod';
import type { Path } from '../problem.ts';
import { entryOf, mappings, schemaAt, typeOf } from './schema-walk.ts';

/** Where a key can stand: the names down to its mapping, `[]` for the entries of a list. */
type Place = readonly string[];

/** Keys from elsewhere, by their place, and what to do about them. */
const HABITS: ReadonlyMap<string, string> = new Map([
  ['spec', 'take this level away: backends and listeners stand at the top of the file'],
  ['metadata', 'take it away: the file has no name of its own'],
  ['listeners.[].rules.[].backendRefs.[].port', 'the port is given once, at the backend: backends[].port'],
  ['listeners.[].rules.[].backendRefs.[].kind', 'take it away: name is that of a backend of this file'],
  ['listeners.[].rules.[].backendRefs.[].group', 'take it away: name is that of a backend of this file'],
]);

/**
 * Where a key belongs that its mapping does not have: an inner mapping, an outer one, another type of the same, or somewhere
 * else altogether. In words that follow `unknown key`; null where nobody can tell.
 */
export function belonging(root: z.ZodObject, path: Path): string | null {
  const key = String(path.at(-1));
  const here = path.slice(0, -1).map((part) => (typeof part === 'number' ? '[]' : part));
  const habit = HABITS.get([...here, key].join('.'));
  if (habit !== undefined) return `: ${habit}`;
  const places = placesOf(root).get(key) ?? [];
  if (places.some((place) => same(place, here))) return ofOtherType(root, path, key);
  const inner = nearest(places.filter((place) => startsWith(place, here)));
  if (inner !== null)
    return `: it belongs to ${written([...here.slice(-1), ...inner.slice(here.length), key])}`;
  const outer = places.filter((place) => startsWith(here, place)).sort((a, b) => b.length - a.length)[0];
  if (outer !== undefined) {
    const levels = here.slice(outer.length).filter((part) => part !== '[]').length;
    const how = levels === 1 ? 'one level higher' : `${levels} levels higher`;
    return `: it belongs ${how}, beside ${here[outer.length]}`;
  }
  return places.length === 1 ? `: it belongs to ${written([...places[0]!, key])}` : null;
}

function ofOtherType(root: z.ZodObject, path: Path, key: string): string | null {
  const schema = schemaAt(root, path.slice(0, -1));
  const types =
    schema === null
      ? []
      : mappings(schema)
          .filter(({ shape }) => Object.hasOwn(shape, key))
          .map(typeOf);
  return types.length === 0 ? null : `: ${key} goes with type: ${types.join(' or ')}`;
}

function nearest(places: readonly Place[]): Place | null {
  const [first, second] = [...places].sort((a, b) => a.length - b.length);
  return first === undefined || second?.length === first.length ? null : first;
}

function written(place: Place): string {
  const names = place[0] === '[]' ? place.slice(1) : place;
  return names.join('.').replaceAll('.[]', '[]');
}

function startsWith(place: Place, prefix: Place): boolean {
  return prefix.every((part, index) => place[index] === part);
}

function same(a: Place, b: Place): boolean {
  return a.length === b.length && startsWith(a, b);
}

let known: ReadonlyMap<string, readonly Place[]> | null = null;

/** The mappings that have a key of this name, once each. */
function placesOf(root: z.ZodObject): ReadonlyMap<string, readonly Place[]> {
  if (known !== null) return known;
  const places = new Map<string, Place[]>();
  const visit = (schema: z.core.$ZodType, at: Place): void => {
    for (const { shape } of mappings(schema))
      for (const [key, value] of Object.entries(shape)) {
        const of = places.get(key) ?? [];
        if (!of.some((place) => same(place, at))) places.set(key, [...of, at]);
        visit(value as z.core.$ZodType, [...at, key]);
      }
    const entry = entryOf(schema);
    if (entry !== null) visit(entry, [...at, '[]']);
  };
  visit(root, []);
  known = places;
  return places;
}
