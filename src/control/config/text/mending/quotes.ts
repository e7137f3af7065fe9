import { quote } from '../../problem.ts';
import { endOfWords, type Line, valueAt } from './lines.ts';
import { nearLines, type Repair, repair, type Wound } from './repair.ts';

/** Quotes without their other half, and texts that need quotes and have none. */
export function quoteRepairs(wound: Wound): Repair[] {
  const repairs: Repair[] = [];
  let opened = 0;
  for (let index = 0; index <= wound.at && opened < 4; index++) {
    const found = unclosed(wound.lines[index]!);
    if (found.length > 0) opened++;
    repairs.push(...found);
  }
  for (const { line } of nearLines(wound))
    repairs.push(...unopened(line), ...wanting(line), ...badEscapes(line), ...closedLater(line));
  return repairs;
}

/** A quote that its line opens and does not close. */
function unclosed({ text, start, column }: Line): Repair[] {
  let open = -1;
  for (let i = column; i < text.length; i++) {
    const char = text[i]!;
    if (open >= 0) {
      if (char === '\\' && text[open] === '"') i++;
      else if (char === text[open]) open = -1;
    } else if (char === '#' && /\s/.test(text[i - 1] ?? ' ')) break;
    else if ((char === '"' || char === "'") && /[\s[{,:]/.test(text[i - 1] ?? ' ')) open = i;
  }
  if (open < 0) return [];
  return closed(start, text, open);
}

/** A quote that closes only where another text begins: `{ a: "b, c: "d" }`. */
function closedLater({ text, start }: Line): Repair[] {
  return [...text.matchAll(/(?<=[\s[{,:])["'](?=[^"']*["']\w)/g)].flatMap(({ index }) =>
    closed(start, text, index),
  );
}

/** The text of the quote at `open`, ended at each place where it may have been meant to. */
function closed(start: number, text: string, open: number): Repair[] {
  const mark = text[open]!;
  const rest = text.slice(open + 1);
  const ends = [...rest.matchAll(/[ \t]*(?:[,\]}:]|[ \t]#|$)/g)].map(({ index }) => open + 1 + index);
  return [...new Set(ends)].map((at) =>
    repair(start + open, `this ${mark} is not closed: is another missing at the end of the text?`, {
      at: start + at,
      remove: 0,
      insert: mark,
    }),
  );
}

/** A quote at the end of a text that has none at its beginning. */
function unopened({ text, start, column }: Line): Repair[] {
  const repairs: Repair[] = [];
  for (const match of text.matchAll(/["']/g)) {
    const head = text.slice(column, match.index);
    const starts = [...head.matchAll(/(?:[:,-]\s+|[[{]\s*)(?=[^\s"'])/g)];
    for (const boundary of starts.reverse().slice(0, 3))
      repairs.push(
        repair(
          start + match.index,
          `this ${match[0]} closes nothing: is another missing at the beginning of the text?`,
          { at: start + column + boundary.index + boundary[0].length, remove: 0, insert: match[0] },
        ),
      );
  }
  return repairs;
}

/** Texts that YAML takes for something else. */
function wanting(line: Line): Repair[] {
  const { text, start } = line;
  const end = endOfWords(text);
  const from = valueAt(line);
  const repairs: Repair[] = [];
  const wrap = (at: number, to: number): void => {
    const value = text.slice(at, to);
    if (value === '' || /^["']/.test(value)) return;
    const mark = /["\\]/.test(value) ? "'" : '"';
    const quoted = mark === '"' ? `"${value}"` : `'${value.replaceAll("'", "''")}'`;
    repairs.push(
      repair(start + at, `${whyQuoted(value)}: put it in quotes: ${quoted.length > 60 ? '"..."' : quoted}`, {
        at: start + at,
        remove: to - at,
        insert: quoted,
      }),
    );
  };
  if (!/^[[{]/.test(text.slice(from))) wrap(from, end);
  for (const match of text
    .slice(0, end)
    .matchAll(/(?<=(?:[[{,]|: )\s*)(?:\$\{[^}]*\}[^,\]}\s]*|[*&!@`%|>?][^,\]}]*)/g))
    wrap(match.index, match.index + match[0].trimEnd().length);
  return repairs;
}

function whyQuoted(value: string): string {
  const first = value[0]!;
  if (value.startsWith('${')) return `${quote(value)} stands between braces or brackets`;
  if (/[*&!@`%|>]/.test(first)) return `a text cannot start with ${first}`;
  if (/:(\s|$)/.test(value)) return 'the text holds a colon and a blank, which would make it a key';
  return 'the text would be taken for something else';
}

/** `"\d"` and its like, as regular expressions have them. */
function badEscapes({ text, start }: Line): Repair[] {
  return [...text.matchAll(/"((?:[^"\\]|\\.)*)"/g)]
    .filter(({ 1: inner }) => /\\[^0abtnvfre "/\\N_LPxuU\t]/.test(inner!))
    .map(({ index, 0: whole, 1: inner }) =>
      repair(
        start + index,
        `\\${/\\([^0abtnvfre "/\\N_LPxuU\t])/.exec(inner!)![1]} means nothing in double quotes: use single ones, which take a backslash as it is`,
        { at: start + index, remove: whole.length, insert: `'${inner!.replaceAll("'", "''")}'` },
      ),
    );
}
