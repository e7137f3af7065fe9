import * as z from 'zod';
import type { Path } from '../problem.ts';

/** A schema without what defaults, options and conversions wrap around it. */
export function bare(schema: z.core.$ZodType): z.core.$ZodType {
  const { def } = schema._zod as unknown as { def: { innerType?: z.core.$ZodType; in?: z.core.$ZodType } };
  const inner = def.innerType ?? def.in;
  return inner === undefined ? schema : bare(inner);
}

/** The alternatives of a schema: those of a union, else itself. */
export function alternatives(schema: z.core.$ZodType): readonly z.core.$ZodType[] {
  const plain = bare(schema);
  return plain instanceof z.ZodUnion ? plain.options.flatMap(alternatives) : [plain];
}

/** The mappings that a schema takes; a selection, for example, takes one for each type. */
export function mappings(schema: z.core.$ZodType): readonly z.ZodObject[] {
  return alternatives(schema).filter((option) => option instanceof z.ZodObject);
}

/** What a list takes as entries; null: the schema takes no list. */
export function entryOf(schema: z.core.$ZodType): z.core.$ZodType | null {
  const list = alternatives(schema).find((option) => option instanceof z.ZodArray);
  return list === undefined ? null : (list as z.ZodArray).element;
}

/** The schema at a path; null: the grammar has none there. */
export function schemaAt(root: z.core.$ZodType, path: Path): z.core.$ZodType | null {
  let at: z.core.$ZodType | null = root;
  for (const part of path) {
    if (at === null) return null;
    if (typeof part === 'number') at = entryOf(at);
    else at = mappings(at).find(({ shape }) => Object.hasOwn(shape, part))?.shape[part] ?? null;
  }
  return at;
}

/** The value that tells the alternatives of a mapping apart, as `Leader`; null: there is none. */
export function typeOf(mapping: z.ZodObject): string | null {
  const type = Object.hasOwn(mapping.shape, 'type') ? bare(mapping.shape.type as z.core.$ZodType) : null;
  return type instanceof z.ZodLiteral ? String(type.value) : null;
}
