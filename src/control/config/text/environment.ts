import { quote } from '../problem.ts';
import type { Variable } from './conceal.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Replaces `${NAME}` and `${NAME:-default}` (SPEC 2). `:-` also covers a variable that is set but empty. What a variable
 * gives is not looked through again; a `$` without `{` is itself.
 *
 * @returns the text and what the environment gave to it, or what is wrong with it, in words
 */
export function substitute(
  text: string,
  env: Environment,
): { text: string; variables: readonly Variable[] } | { problem: string } {
  const variables: Variable[] = [];
  let result = '';
  let from = 0;
  for (;;) {
    const start = text.indexOf('${', from);
    if (start < 0) return { text: result + text.slice(from), variables };
    const end = text.indexOf('}', start);
    if (end < 0) return { problem: `has \${ without }: ${quote(text.slice(start))}` };
    const inner = text.slice(start + 2, end);
    const match = /^([A-Za-z_][A-Za-z0-9_]*)(?::-([\s\S]*))?$/.exec(inner);
    if (match === null) return { problem: badReference(inner) };
    const [, name, fallback] = match;
    if (fallback?.includes('${'))
      return { problem: `has \${ within \${${name}:-...}: defaults cannot be nested` };
    const value = Object.hasOwn(env, name!) ? env[name!] : undefined;
    if (fallback === undefined && value === undefined)
      return {
        problem: `environment variable ${name} is not set; \${${name}:-default} would give it a default`,
      };
    result += text.slice(from, start);
    if (fallback !== undefined && (value ?? '') === '') result += fallback;
    else {
      result += value!;
      variables.push({ name: name!, value: value! });
    }
    from = end + 1;
  }
}

function badReference(inner: string): string {
  const shell = /^([A-Za-z_][A-Za-z0-9_]*)(-|:=|=|:\?|\?|:\+|\+)/.exec(inner);
  if (shell !== null)
    return `has ${quote(`\${${inner}}`)}: only \${${shell[1]}} and \${${shell[1]}:-default} are known`;
  return `has ${quote(`\${${inner}}`)}, which is not the name of an environment variable`;
}
