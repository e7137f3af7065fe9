import type { Repair } from './repair.ts';

/** Every line that a tab indents, at once: whoever has one has many. With blanks of several widths instead. */
export function tabRepairs(text: string): Repair[] {
  const tabbed = [...text.matchAll(/^[ ]*\t[ \t]*(?=[^\s#])/gm)];
  if (tabbed.length === 0) return [];
  const problems = tabbed.map(({ index, 0: blanks }) => ({
    offset: index + blanks.indexOf('\t'),
    message: 'a tab indents this line: use blanks',
  }));
  return [2, 4, 8, 1].map((width) => ({
    problems,
    edits: tabbed.map(({ index, 0: blanks }) => ({
      at: index,
      remove: blanks.length,
      insert: blanks.replaceAll('\t', ' '.repeat(width)),
    })),
  }));
}
