/** A line that is neither blank nor a comment. */
export interface Line {
  readonly start: number;
  /** Without its line end. */
  readonly text: string;
  /** Blanks before its first character. */
  readonly indent: number;
  /** Where its key or value starts: behind the dashes of a list. */
  readonly column: number;
}

/** The lines of a text that say something, in order. */
export function contentLines(text: string): Line[] {
  const lines: Line[] = [];
  let start = 0;
  while (start <= text.length) {
    const newline = text.indexOf('\n', start);
    const end = newline < 0 ? text.length : newline;
    const line = text.slice(start, end).replace(/\r$/, '');
    const indent = /^[ \t]*/.exec(line)![0].length;
    if (indent < line.length && line[indent] !== '#' && !/^(---|\.\.\.|%)/.test(line))
      lines.push({ start, text: line, indent, column: columnOf(line) });
    start = end + 1;
  }
  return lines;
}

function columnOf(line: string): number {
  return /^[ \t]*(?:-[ \t]+)*/.exec(line)![0].length;
}

/** The index of the line that holds the offset, or of the last one before it. */
export function lineAt(lines: readonly Line[], offset: number): number {
  let low = 0;
  let high = lines.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (lines[middle]!.start <= offset) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Where what a line says ends: before a comment and the blanks around it. */
export function endOfWords(line: string): number {
  let quote = '';
  for (let i = 0; i < line.length; i++) {
    const char = line[i]!;
    if (quote !== '') {
      if (char === '\\' && quote === '"') i++;
      else if (char === quote) quote = '';
    } else if ((char === '"' || char === "'") && /[\s[{,:]/.test(line[i - 1] ?? ' ')) quote = char;
    else if (char === '#' && /\s/.test(line[i - 1] ?? ' ')) return line.slice(0, i).trimEnd().length;
  }
  return line.trimEnd().length;
}

/** `key: value` as a line starts; the value may be missing. */
const KEY = /^([ \t]*(?:-[ \t]+)*)([A-Za-z_$][\w.$/-]*)[ \t]*:(?:[ \t]+|$)/;

/** The key of a line and where its value starts; null where the line has none. */
export function keyOf(line: string): { readonly key: string; readonly valueAt: number } | null {
  const match = KEY.exec(line);
  return match === null ? null : { key: match[2]!, valueAt: match[0].length };
}

/** Where the value of a line starts, or the line's words if it has no key. */
export function valueAt(line: Line): number {
  return keyOf(line.text)?.valueAt ?? line.column;
}

/** Text as messages show it beside a remedy: its beginning. */
export function beginning(text: string): string {
  const words = text.trim();
  return words.length > 40 ? `${words.slice(0, 37)}...` : words;
}
