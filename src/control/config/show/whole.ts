/**
 * For the compiler alone: `rest` is what a destructuring has left over. A field that the model gets and nobody writes out is an error
 * here, not a silent gap in what people paste back.
 */
export function nothingLeft(_rest: Record<string, never>): void {}

/** A key where there is a value; none for null, which the grammar knows as leaving the key out. */
export function ifGiven<K extends string, T>(key: K, value: T | null): { [P in K]?: T } {
  return value === null ? {} : ({ [key]: value } as { [P in K]: T });
}

/** A key where the list has something. */
export function ifAny<K extends string, T>(key: K, list: readonly T[]): { [P in K]?: readonly T[] } {
  return list.length === 0 ? {} : ({ [key]: list } as { [P in K]: readonly T[] });
}
