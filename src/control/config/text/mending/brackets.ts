import { endOfWords, type Line, valueAt } from './lines.ts';
import { nearLines, type Repair, repair, type Wound } from './repair.ts';

const CLOSER: Readonly<Record<string, string>> = { '[': ']', '{': '}' };
const OPENER: Readonly<Record<string, string>> = { ']': '[', '}': '{' };

/** How far behind an opening bracket its end is looked for. */
const MAX_LINES = 50;

/** Braces and brackets without their other half. Each is told where it stands. */
export function bracketRepairs(wound: Wound): Repair[] {
  const repairs: Repair[] = [];
  const { lines, at } = wound;
  let opened = 0;
  for (let index = 0; index <= Math.min(at + 1, lines.length - 1) && opened < 4; index++) {
    const found = unclosed(wound, index);
    if (found.length > 0) opened++;
    repairs.push(...found);
  }
  for (const { line } of nearLines(wound)) repairs.push(...unopened(line));
  return repairs;
}

interface Open {
  readonly bracket: string;
  readonly offset: number;
}

/** What would close the brackets that this line opens and nothing closes before the next key of the block. */
function unclosed({ text, lines }: Wound, index: number): Repair[] {
  const line = lines[index]!;
  const from = valueAt(line);
  if (!/[[{]/.test(line.text[from] ?? '')) return [];
  const stack: Open[] = [];
  const repairs: Repair[] = [];
  const closeBefore = (at: number, count: number): void => {
    const open = stack.slice(-count);
    const closers = open
      .map(({ bracket }) => CLOSER[bracket]!)
      .reverse()
      .join('');
    const { bracket, offset } = open[0]!;
    repairs.push(
      repair(offset, `this ${bracket} is not closed: is a ${CLOSER[bracket]} missing at the end?`, {
        at,
        remove: 0,
        insert: closers,
      }),
    );
  };
  for (let n = index; n < lines.length && n < index + MAX_LINES; n++) {
    const current = lines[n]!;
    if (n > index && current.indent <= line.column - (line.column > line.indent ? 1 : 0)) return repairs;
    const end = endOfWords(current.text);
    for (const { char, at } of brackets(current, n === index ? from : current.indent, end)) {
      const offset = current.start + at;
      if (char in CLOSER) stack.push({ bracket: char, offset });
      else if (stack.length > 0 && CLOSER[stack.at(-1)!.bracket] === char) stack.pop();
      else if (stack.length > 0) {
        closeBefore(offset, 1);
        for (const from of [contentAfter(text, stack.at(-1)!.offset), lastValue(text, offset)])
          repairs.push(
            repair(offset, `this ${char} closes nothing: is a ${OPENER[char]} missing before it?`, {
              at: from,
              remove: 0,
              insert: `${OPENER[char]} `,
            }),
          );
        repairs.push(surplus(offset, char));
        return repairs;
      }
      if (stack.length === 0) return [];
    }
    for (let count = 1; count <= stack.length; count++) closeBefore(current.start + end, count);
  }
  return repairs;
}

function contentAfter(text: string, offset: number): number {
  return offset + 1 + /^\s*/.exec(text.slice(offset + 1))![0].length;
}

/** Where the value starts that the last key before gives. */
function lastValue(text: string, offset: number): number {
  const colon = text.lastIndexOf(': ', offset);
  return colon < 0 ? offset : colon + 2;
}

function surplus(offset: number, char: string): Repair {
  return repair(offset, `this ${char} closes nothing: take it away`, { at: offset, remove: 1, insert: '' });
}

/** Closing brackets that nothing on their line opens. */
function unopened(line: Line): Repair[] {
  const from = valueAt(line);
  const end = endOfWords(line.text);
  const stack: string[] = [];
  const repairs: Repair[] = [];
  for (const { char, at } of brackets(line, from, end)) {
    if (char in CLOSER) stack.push(char);
    else if (stack.length > 0 && CLOSER[stack.at(-1)!] === char) stack.pop();
    else {
      const offset = line.start + at;
      const opener = OPENER[char]!;
      for (const start of new Set([from, line.column]))
        repairs.push(
          repair(offset, `this ${char} closes nothing: is a ${opener} missing before it?`, {
            at: line.start + start,
            remove: 0,
            insert: `${opener} `,
          }),
        );
      repairs.push(surplus(offset, char));
    }
  }
  return repairs;
}

/** The brackets of a line outside quotes. */
function* brackets(line: Line, from: number, to: number): Generator<{ char: string; at: number }> {
  let quote = '';
  for (let at = from; at < to; at++) {
    const char = line.text[at]!;
    if (quote !== '') {
      if (char === '\\' && quote === '"') at++;
      else if (char === quote) quote = '';
    } else if ((char === '"' || char === "'") && /[\s[{,:]/.test(line.text[at - 1] ?? ' ')) quote = char;
    else if (char === '$' && line.text[at + 1] === '{') {
      const close = line.text.indexOf('}', at);
      at = close < 0 ? to : close;
    } else if (/[[\]{}]/.test(char)) yield { char, at };
  }
}
