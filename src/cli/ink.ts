/** Colours of a terminal; each a function that returns text as it is where there are none. */
export interface Ink {
  bad(text: string): string;
  doubtful(text: string): string;
  good(text: string): string;
  strong(text: string): string;
  faint(text: string): string;
}

const same = (text: string): string => text;

export const NO_INK: Ink = { bad: same, doubtful: same, good: same, strong: same, faint: same };

const sgr =
  (code: string) =>
  (text: string): string =>
    text === '' ? '' : `\x1b[${code}m${text}\x1b[0m`;

const COLOURS: Ink = {
  bad: sgr('1;31'),
  doubtful: sgr('33'),
  good: sgr('32'),
  strong: sgr('1'),
  faint: sgr('2'),
};

/** Colours are for terminals, and for nobody who set NO_COLOR (no-color.org) or has a dumb one. */
export function inkFor(terminal: boolean, env: Readonly<Record<string, string | undefined>>): Ink {
  return terminal && (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb' ? COLOURS : NO_INK;
}
