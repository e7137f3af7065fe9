import type { parseArgs } from 'node:util';
import { didYouMean } from '../control/config/grammar/suggest.ts';
import { type CommandEntry, OPTIONS, type Option, type OptionName } from './commands.ts';

type Token = NonNullable<ReturnType<typeof parseArgs>['tokens']>[number];

/** The options given, by their names: a text, a list of texts, or that it is there. */
export type Given = {
  readonly [K in OptionName]?: (typeof OPTIONS)[K] extends { multiple: true }
    ? readonly string[]
    : (typeof OPTIONS)[K] extends { value: string }
      ? string
      : true;
};

/**
 * Reads the options of a command; of one that is given twice the last counts.
 * @param wrong the error to throw where one is unknown, is not for this command, or has no value where it needs one
 */
export function givenOptions(
  { name, options }: CommandEntry,
  tokens: readonly Token[],
  wrong: (message: string) => Error,
): Given {
  const given: Record<string, true | string | string[]> = {};
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    const option: Option | undefined = Object.hasOwn(OPTIONS, token.name)
      ? OPTIONS[token.name as OptionName]
      : undefined;
    if (option === undefined || !options.includes(token.name as OptionName))
      throw wrong(`${name} takes no ${token.rawName}${meant(token.rawName, token.name, options)}`);
    if (option.value === undefined) {
      if (token.value !== undefined) throw wrong(`${token.rawName} takes no value`);
      given[token.name] = true;
      continue;
    }
    // `--config --json` is a value that was forgotten; `-` is standard input.
    const forgotten = token.value === undefined || (!token.inlineValue && /^-./.test(token.value));
    if (forgotten || token.value === '') throw wrong(`${token.rawName} needs a value: ${option.value}`);
    if (option.multiple === true)
      given[token.name] = [...((given[token.name] as string[]) ?? []), token.value!];
    else given[token.name] = token.value!;
  }
  return given as Given;
}

function meant(raw: string, name: string, options: readonly string[]): string {
  if (!raw.startsWith('--')) return '';
  return didYouMean(name, options).replace('mean ', 'mean --');
}
