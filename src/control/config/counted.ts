import type { Problem } from '../../model/config.ts';

/** Up to so many equal problems are listed (SPEC 1). */
const MOST_EQUAL = 20;

/**
 * The problems as they are told: more than 20 equal ones, but for where they are and for the values that they name, become the
 * first with the number of the others.
 *
 * @param problems in the order of the file
 */
export function counted(problems: readonly Problem[]): Problem[] {
  const alike = new Map<string, Problem[]>();
  for (const problem of problems) {
    const kind = kindOf(problem);
    const others = alike.get(kind);
    if (others === undefined) alike.set(kind, [problem]);
    else others.push(problem);
  }
  return problems.flatMap((problem) => {
    const all = alike.get(kindOf(problem))!;
    if (all.length <= MOST_EQUAL) return [problem];
    if (problem !== all[0]) return [];
    const { line } = all.at(-1)!;
    return [
      { ...problem, message: `${problem.message} (and ${all.length - 1} more like it, to line ${line})` },
    ];
  });
}

function kindOf({ path, message }: Problem): string {
  const where = message.startsWith('unknown key')
    ? path.replace(/(\.[\w$-]+|\["[^\]]*"\]|^[\w$-]+)$/, '')
    : path;
  const said = message.replace(/"(?:[^"\\]|\\.)*"/g, '""').replace(/\d+/g, '0');
  return `${where.replace(/\[\d+\]/g, '[]')} ${said}`;
}
