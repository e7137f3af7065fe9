import { describe } from '../grammar/messages.ts';
import { quote } from '../problem.ts';

/** A value that an environment variable gave to a part of the file. */
export interface Variable {
  readonly name: string;
  readonly value: string;
}

/** Shorter values are looked for as words, longer ones by pieces of this length. */
const PIECE = 4;

/**
 * The message about a wrong value that came from the environment (SPEC 4): it names the variables, not the value, for that may be
 * a secret. What is said of what the value must be stays; where the rest could show a piece of the value, it goes.
 *
 * @param value the whole value of the key, of which the variables gave all or a part
 */
export function concealed(message: string, value: unknown, variables: readonly Variable[]): string {
  const source = `the value of ${[...new Set(variables.map(({ name }) => name))].join(' and ')}`;
  const leaks = (said: string): boolean => variables.some((variable) => showsPart(said, variable.value));
  if (value === '') return `${message}, ${source}`;
  const wanted = /^(must be .*?, is )/s.exec(message);
  if (wanted !== null) {
    const advice = message.slice(wanted[1]!.length).replace(describe(value), '');
    return `${wanted[1]}${source}${/^: /.test(advice) && !leaks(advice) ? advice : ''}`;
  }
  const text = String(value);
  const shown = [quote(text), text].find((form) => message.startsWith(`${form} `));
  const told = message.replace(/; did you mean .*\?$/s, '');
  const rest =
    shown === undefined ? told.replaceAll(quote(text), source) : `${source}${told.slice(shown.length)}`;
  return leaks(rest.replaceAll(source, '')) ? `${source} is not valid here` : rest;
}

/** A message about something else that mentions values of the environment. */
export function withoutValues(message: string, variables: readonly Variable[]): string {
  return variables.reduce(
    (shown, { name, value }) =>
      value === '' ? shown : shown.replaceAll(quote(value), `(the value of ${name})`),
    message,
  );
}

function showsPart(message: string, value: string): boolean {
  const text = message.toLowerCase();
  const secret = value.toLowerCase();
  if (secret.length < PIECE) return secret !== '' && text.split(/[^\w]+/).includes(secret);
  for (let i = 0; i + PIECE <= secret.length; i++) if (text.includes(secret.slice(i, i + PIECE))) return true;
  return false;
}
