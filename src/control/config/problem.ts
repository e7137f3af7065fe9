import type { Problem } from '../../model/config.ts';

/** Keys and indices from the document down to a value. */
export type Path = readonly (string | number)[];

/** `listeners[0].rules[1].selection.type`; a key with other characters than a name's is quoted. */
export function formatPath(path: Path): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else if (/^[A-Za-z_$][\w$-]*$/.test(part)) text += text === '' ? part : `.${part}`;
    else text += `[${quote(part)}]`;
  }
  return text;
}

/** One line: `FILE:LINE:COL: path: message`; the path is left out where the problem is the document's. */
export function formatProblem({ file, line, column, path, message }: Problem): string {
  return `${file}:${line}:${column}: ${path === '' ? '' : `${path}: `}${message}`;
}

/** As a problem, marked as a warning. */
export function formatWarning(warning: Problem): string {
  const { file, line, column } = warning;
  const place = `${file}:${line}:${column}: `;
  return `${place}warning: ${formatProblem(warning).slice(place.length)}`;
}

/**
 * A text from the file as messages show it: in quotes, shortened, control characters escaped, so that it can neither
 * end the line nor steer a terminal.
 */
export function quote(text: string): string {
  const short = text.length > 60 ? `${text.slice(0, 57)}...` : text;
  return JSON.stringify(short).replace(
    /[\u007f-\u009f\u2028\u2029]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
