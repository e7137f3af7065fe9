import { targets } from './indentation.ts';
import { beginning, endOfWords, keyOf, valueAt } from './lines.ts';
import { nearLines, type Repair, repair, type Wound } from './repair.ts';

/** Characters between words that were forgotten, or are too many: colons, blanks, dashes, commas, line ends, `#`. */
export function wordRepairs(wound: Wound): Repair[] {
  const repairs: Repair[] = [];
  for (const { line, index } of nearLines(wound)) {
    const { text, start, column, indent } = line;
    const words = text.slice(0, endOfWords(text));
    const insert = (at: number, what: string, message: string, offset = at): void => {
      repairs.push(repair(start + offset, message, { at: start + at, remove: 0, insert: what }));
    };
    const dash = /^[ \t]*-(?=[^\s-])/.exec(words);
    if (dash !== null)
      insert(
        dash[0].length,
        ' ',
        `a blank is missing after the dash: write - ${beginning(words.slice(dash[0].length))}`,
        indent,
      );
    const tight = /^([\w.$/-]+):(?=\S)/.exec(words.slice(column));
    if (tight !== null) {
      const at = column + tight[0].length;
      insert(
        at,
        ' ',
        `a blank is missing after the colon: write ${tight[1]}: ${beginning(words.slice(at))}`,
        column,
      );
    }
    const bare = /^([A-Za-z][\w-]*)(?=\s|$)/.exec(words.slice(column));
    if (bare !== null && keyOf(text) === null)
      insert(column + bare[0].length, ':', `a colon is missing after ${bare[1]}`, column);
    const glued = /\S#/.exec(words.slice(column));
    if (glued !== null)
      insert(
        column + glued.index + 1,
        ' ',
        'a blank is missing before the #, which starts no comment without',
      );
    for (const match of words.matchAll(/(?<=[^\s,:{[-])[ \t]+(?=["']?[\w.-]+["']?:(?:\s|$))/g)) {
      const key = /^["']?[\w.-]+["']?/.exec(words.slice(match.index + match[0].length))![0];
      insert(match.index, ',', `a comma is missing before ${key}`, match.index + match[0].length);
      for (const width of new Set([column, ...targets(wound.lines, index)]))
        repairs.push(
          repair(start + match.index + match[0].length, `${key} must start on a line of its own`, {
            at: start + match.index,
            remove: match[0].length,
            insert: `\n${' '.repeat(width)}`,
          }),
        );
    }
    const value = words.slice(valueAt(line));
    if (/^[\w.-]+: /.test(value))
      repairs.push({
        edits: [
          { at: start + valueAt(line), remove: 0, insert: '{ ' },
          { at: start + words.length, remove: 0, insert: ' }' },
        ],
        problems: [
          {
            offset: start + valueAt(line),
            message: `a mapping on one line stands in braces: write ${keyOf(text)?.key}: { ${beginning(value)} }`,
          },
        ],
      });
    for (const match of words.matchAll(/(?<=[\]}"'])[ \t]*(?=[[{"'\w])/g))
      insert(match.index, ', ', 'a comma is missing here', match.index + match[0].length);
    for (const match of words.matchAll(/(?<=[{,]\s*)([A-Za-z]\w*):(?=["'])/g))
      insert(match.index + match[0].length, ' ', `a blank is missing after ${match[0]}`, match.index);
    for (const match of words.matchAll(/(?<=[{,]\s*)[A-Za-z]\w*(?=\s+[[{"'])/g))
      insert(match.index + match[0].length, ':', `a colon is missing after ${match[0]}`, match.index);
    const first = /^([\w.-]+):[ \t]+(?=(?:- |[\w.-]+:(?:\s|$)))/.exec(words.slice(column));
    if (first !== null) {
      const at = column + first[0].length;
      const key = /^(?:- )?[\w.-]*/.exec(words.slice(at))![0];
      for (const width of targets(wound.lines, index))
        repairs.push(
          repair(start + at, `${key} must start on a line of its own`, {
            at: start + column + first[1]!.length + 1,
            remove: at - column - first[1]!.length - 1,
            insert: `\n${' '.repeat(width)}`,
          }),
        );
    }
  }
  return repairs;
}

/** Comments that lost their `#`: tried last, since a repair that hides text makes everything right. */
export function commentRepairs(wound: Wound): Repair[] {
  return nearLines(wound).flatMap(({ line: { text, start, column, indent } }) => {
    const behind = /\S( {2,})(?=[^\s#])/.exec(text.slice(column));
    const at = behind === null ? 0 : column + behind.index + 2;
    return [
      ...(keyOf(text) === null && indent === column
        ? [
            repair(start + indent, 'this line is no key: is a # missing before it?', {
              at: start + indent,
              remove: 0,
              insert: '# ',
            }),
          ]
        : []),
      ...(behind === null
        ? []
        : [
            repair(start + at, 'is a # missing before this comment?', {
              at: start + at,
              remove: 0,
              insert: '#',
            }),
          ]),
    ];
  });
}
