import type { LineageSource, ValueSource } from '../../model/config.ts';
import { type Lineage, lineageOf } from './lineage.ts';

/**
 * The lineage that an answer shows.
 * @param read the value at a place; `''`: it stands there and is empty; null: there is none
 */
export function readLineage(
  source: LineageSource,
  read: (place: ValueSource) => string | null,
): Lineage | null {
  const previous = read(source.previous);
  // A server that does not write the line at all does not tell whom it followed; others leave a key out if it is nobody.
  if (previous === null && 'line' in source.previous) return null;
  return lineageOf(read(source.id), previous);
}

/** The rest of the first line that begins with a name and a colon, as in `INFO` of Redis; null: there is no such line. */
export function lineValue(text: string, name: string): string | null {
  for (const line of text.split('\n'))
    if (line.startsWith(name) && line[name.length] === ':') return line.slice(name.length + 1).trim();
  return null;
}
