import type { Edit } from './edits.ts';
import type { Line } from './lines.ts';
import { keyOf } from './lines.ts';
import { nearLines, type Repair, repair, type Wound } from './repair.ts';

/** Blanks that a line may be off by, for it to be a slip of the hand. */
const SLIP = 4;

/** Lines that start a little to the left or right of where others do. */
export function indentationRepairs(wound: Wound): Repair[] {
  const even: Repair[] = [];
  const odd: Repair[] = [];
  for (const { line, index } of nearLines(wound))
    for (const target of targets(wound.lines, index)) {
      if (Math.abs(target - line.indent) > SLIP) continue;
      // Whoever indents does so by twos, mostly.
      const repairs = target % 2 === 0 ? even : odd;
      if (target !== line.indent) repairs.push(...moved(wound.lines, index, target));
      if (line.column > line.indent && target !== line.column) {
        const spread = keySpread(line, target);
        if (spread !== null) repairs.push(spread);
      }
    }
  return [...even, ...odd];
}

/** The columns in which the lines around start. */
export function targets(lines: readonly Line[], index: number): number[] {
  const found = new Set<number>();
  let least = Number.POSITIVE_INFINITY;
  for (let i = index - 1; i >= 0 && i > index - 60 && least > 0; i--) {
    const line = lines[i]!;
    if (line.indent >= least) continue;
    found.add(line.column).add(line.indent);
    least = line.indent;
  }
  const next = lines[index + 1];
  if (next !== undefined) found.add(next.indent).add(next.column);
  return [...found];
}

/** The line alone, with what is under it, or with those that follow in its column too. */
function moved(lines: readonly Line[], index: number, target: number): Repair[] {
  const line = lines[index]!;
  const said = `this line is indented by ${line.indent}, its siblings by ${target}`;
  const offset = line.start + line.indent;
  const blocks = [1, blockLength(lines, index, line.indent + 1), blockLength(lines, index, line.indent)];
  return [...new Set(blocks)].map((length) =>
    repair(
      offset,
      said,
      ...lines.slice(index, index + length).map((each) => shifted(each, target - line.indent)),
    ),
  );
}

function blockLength(lines: readonly Line[], index: number, least: number): number {
  let length = 1;
  while ((lines[index + length]?.indent ?? -1) >= least) length++;
  return length;
}

function shifted({ start, indent }: Line, by: number): Edit {
  return by > 0
    ? { at: start, remove: 0, insert: ' '.repeat(by) }
    : { at: start, remove: Math.min(-by, indent), insert: '' };
}

/** The first key of an entry of a list, behind its dash. */
function keySpread(line: Line, target: number): Repair | null {
  const key = keyOf(line.text)?.key;
  const blanks = target - line.indent - 1;
  if (key === undefined || blanks < 1 || Math.abs(target - line.column) > SLIP) return null;
  const dash = line.text.lastIndexOf('-', line.column - 1);
  return repair(line.start + line.column, `${key} is indented by ${line.column}, its siblings by ${target}`, {
    at: line.start + dash + 1,
    remove: line.column - dash - 1,
    insert: ' '.repeat(target - dash - 1),
  });
}
