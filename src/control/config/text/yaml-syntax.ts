import type { YAMLError } from 'yaml';

/** What the YAML reader found, in words, with what to do about the usual mistakes. */
export function syntaxProblem(error: YAMLError, text: string): string {
  const said = `${error.message.charAt(0).toLowerCase()}${error.message.slice(1)}`.replace(/\s+/g, ' ');
  const line = lineAt(text, error.pos[0]);
  if (/call stack/.test(said)) return 'is nested too deeply';
  if (error.code === 'TAB_AS_INDENT' || /^\s*\t/.test(line)) return 'a tab indents this line: use blanks';
  if (error.code === 'MULTIPLE_DOCS') return 'the file holds more than one YAML document (---): keep one';
  if (/[{[,].*\$\{[^}]*\}/.test(line) && !/["']\$\{/.test(line))
    return `${said} (between braces or brackets \${...} must be quoted)`;
  if (error.code === 'BAD_INDENT') return `${said} (the keys of one mapping start in one column)`;
  if (/^\s*(- )?[\w.-]+:\S/.test(line)) return `${said} (is a blank missing after the colon?)`;
  return said;
}

function lineAt(text: string, offset: number): string {
  const start = text.lastIndexOf('\n', Math.max(0, offset - 1)) + 1;
  const end = text.indexOf('\n', start);
  return text.slice(start, end < 0 ? undefined : end);
}
