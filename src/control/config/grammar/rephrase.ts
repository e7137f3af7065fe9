import * as z from 'zod';
import { bare, entryOf, mappings } from './schema-walk.ts';

/** How many ways to write a value are named at most. */
const MOST = 3;

/**
 * What to write where a bare value stands for a mapping or a list of it: `hold: { timeout: 5s }` for `hold: 5s`, by the keys that
 * take such a value. Null where none does, or too many.
 *
 * @param key null: the value is an entry of a list
 */
export function rephrased(schema: z.core.$ZodType, key: string | null, value: unknown): string | null {
  const asAddress = typeof value === 'number' ? `:${value}` : value;
  const ways =
    [value, asAddress].map((each) => waysIn(schema, each, 2)).find(({ length }) => length > 0) ?? [];
  const label = key === null ? '' : `${key}: `;
  return ways.length === 0 || ways.length > MOST
    ? null
    : `write ${ways.map((way) => `${label}${way}`).join(', or ')}`;
}

function waysIn(schema: z.core.$ZodType, value: unknown, depth: number): string[] {
  if (depth < 0) return [];
  const entry = entryOf(schema);
  const listed = entry === null ? [] : [...direct(entry, value), ...waysIn(entry, value, depth - 1)];
  if (listed.length > 0) return listed.map((way) => `[${way}]`);
  const ways = new Set<string>();
  for (const mapping of mappings(schema))
    for (const [key, inner] of Object.entries(mapping.shape))
      for (const way of direct(inner as z.core.$ZodType, value)) {
        // A word that names a type is meant as one.
        if (key === 'type') return [`{ type: ${way}${alsoNeeded(mapping)} }`];
        ways.add(`{ ${key}: ${way} }`);
      }
  if (ways.size > 0) return [...ways];
  for (const { shape } of mappings(schema))
    for (const [key, inner] of Object.entries(shape))
      for (const way of waysIn(inner as z.core.$ZodType, value, depth - 1)) ways.add(`{ ${key}: ${way} }`);
  return [...ways];
}

/** The value as it is to be written, if the schema takes it; a word in whatever case. */
function direct(schema: z.core.$ZodType, value: unknown): string[] {
  if (z.safeParse(schema, value).success) return [plain(value)];
  const { values } = bare(schema)._zod;
  const word = [...(values ?? [])].find((each) => String(each).toLowerCase() === String(value).toLowerCase());
  return word === undefined ? [] : [String(word)];
}

function alsoNeeded({ shape }: z.ZodObject): string {
  const needed = Object.keys(shape).filter(
    (key) => key !== 'type' && !z.safeParse(shape[key] as z.core.$ZodType, undefined).success,
  );
  return needed.map((key) => `, ${key}: ...`).join('');
}

function plain(value: unknown): string {
  return typeof value === 'string' && !/^[A-Za-z/][\w./-]*$|^[0-9]+(ms|[smh]|[KMG]i)$/.test(value)
    ? JSON.stringify(value)
    : String(value);
}
