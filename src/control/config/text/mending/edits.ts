/** A change of a text at one place. */
export interface Edit {
  readonly at: number;
  /** Characters taken away from there on. */
  readonly remove: number;
  readonly insert: string;
}

/** The text with all edits, which are in rising order and do not touch each other. */
export function applyEdits(text: string, edits: readonly Edit[]): string {
  let result = '';
  let from = 0;
  for (const { at, remove, insert } of edits) {
    result += text.slice(from, at) + insert;
    from = at + remove;
  }
  return result + text.slice(from);
}

/** Where an offset of the edited text was before; what was inserted stood where it was inserted. */
export function before(offset: number, edits: readonly Edit[]): number {
  let shift = 0;
  for (const { at, remove, insert } of edits) {
    const start = at + shift;
    if (offset <= start) break;
    if (offset < start + insert.length) return at;
    shift += insert.length - remove;
  }
  return offset - shift;
}

/** Where an offset of the text is in the edited one. */
export function after(offset: number, edits: readonly Edit[]): number {
  let shift = 0;
  for (const { at, remove, insert } of edits) {
    if (offset <= at) break;
    shift += insert.length - Math.min(remove, offset - at);
  }
  return offset + shift;
}
