import { targets } from './indentation.ts';
import { keyOf } from './lines.ts';
import { nearLines, type Repair, repair, type Wound } from './repair.ts';

/** A dash before a key that starts no entry of a list, and none before one that does. */
export function dashRepairs(wound: Wound): Repair[] {
  const repairs: Repair[] = [];
  for (const { line, index } of nearLines(wound)) {
    const key = keyOf(line.text)?.key ?? (/^\s*\{/.test(line.text) ? '{' : undefined);
    if (key === undefined) continue;
    for (const target of withDashes(targets(wound.lines, index))) {
      const indent = { at: line.start, remove: line.column };
      if (line.column > line.indent)
        repairs.push(
          repair(line.start + line.indent, `${key} starts no entry of a list: take the "- " before it away`, {
            ...indent,
            insert: ' '.repeat(target),
          }),
        );
      else
        repairs.push(
          repair(
            line.start + line.indent,
            `a "- " is missing before ${key}, which starts an entry of a list`,
            {
              ...indent,
              insert: `${' '.repeat(target)}- `,
            },
          ),
        );
    }
  }
  return repairs;
}

/** A dash stands two columns before its key. */
function withDashes(columns: readonly number[]): Set<number> {
  return new Set([...columns, ...columns.filter((column) => column >= 2).map((column) => column - 2)]);
}
