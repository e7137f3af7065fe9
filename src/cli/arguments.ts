import { parseArgs } from 'node:util';
import { didYouMean } from '../control/config/grammar/suggest.ts';
import {
  COMMANDS,
  type CommandEntry,
  type CommandName,
  commandNamed,
  OPTIONS,
  type Option,
} from './commands.ts';
import { type Given, givenOptions } from './given-options.ts';

/** Wrong usage; the message says what is wrong and what to ask for help, in one line. */
export class UsageError extends Error {
  /** @param command the one whose help says more; null: none */
  constructor(message: string, command: string | null = null) {
    super(
      `${message}${message.endsWith('?') ? ' See' : '; see'} "headroute help${command === null ? '' : ` ${command}`}"`,
    );
  }
}

export type Command =
  | { readonly name: 'version' | 'schema' }
  /** `about` null: all commands. */
  | { readonly name: 'help'; readonly about: CommandName | null }
  | { readonly name: 'run' | 'check'; readonly config: string }
  | {
      readonly name: 'explain';
      /** Undefined where `debug` is given. */
      readonly config: string | undefined;
      readonly debug: string | undefined;
      readonly json: boolean;
      readonly method: string;
      readonly url: string;
      readonly headers: readonly (readonly [string, string])[];
    }
  | { readonly name: 'status'; readonly debug: string; readonly watch: boolean }
  | { readonly name: 'demo'; readonly pods: number; readonly durationMs: number };

/** @throws UsageError */
export function parseCommand(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Command {
  const { tokens, positionals } = parseArgs({
    args: [...argv],
    options: Object.fromEntries(
      Object.entries<Option>(OPTIONS).map(([option, { short, value }]) => [
        option,
        { type: value === undefined ? 'boolean' : 'string', ...(short === undefined ? {} : { short }) },
      ]),
    ),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const asks = (option: string): boolean => tokens.some((t) => t.kind === 'option' && t.name === option);
  const [name, ...rest] = positionals;
  if (asks('version')) return { name: 'version' };
  if (asks('help')) return { name: 'help', about: name === undefined ? null : known(name).name };
  if (name === undefined) throw new UsageError('no command given');
  const entry = known(name);
  const given = givenOptions(entry, tokens, (message) => new UsageError(message, name));
  takeArguments(entry, rest);
  return commandOf(entry.name, given, rest, env);
}

function known(name: string): CommandEntry & { readonly name: CommandName } {
  const entry = commandNamed(name);
  if (entry !== undefined) return entry;
  const names = COMMANDS.map((command) => command.name);
  throw new UsageError(`unknown command ${JSON.stringify(name)}${didYouMean(name, names)}`);
}

function takeArguments({ name, arguments: wanted }: CommandEntry, given: readonly string[]): void {
  const needed = wanted.filter((argument) => !argument.startsWith('['));
  if (given.length < needed.length) throw new UsageError(`${name} takes ${needed.join(' and ')}`, name);
  const surplus = given[wanted.length];
  if (surplus !== undefined)
    throw new UsageError(`${name} takes no argument ${JSON.stringify(surplus)}`, name);
}

function commandOf(
  name: CommandName,
  given: Given,
  rest: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Command {
  const config = given.config ?? (env.HEADROUTE_CONFIG || '/etc/headroute/headroute.yaml');
  switch (name) {
    case 'run':
    case 'check':
      return { name, config };
    case 'schema':
    case 'version':
      return { name };
    case 'status':
      return { name, debug: given.debug ?? 'http://127.0.0.1:9181', watch: given.watch === true };
    case 'help':
      return { name, about: rest[0] === undefined ? null : known(rest[0]).name };
    case 'demo':
      return { name, pods: podsOf(given.pods), durationMs: durationOf(given.duration) };
    case 'explain':
      if (given.debug !== undefined && given.config !== undefined)
        throw new UsageError('explain takes --config or --debug, not both', name);
      return {
        name,
        config: given.debug === undefined ? config : undefined,
        debug: given.debug,
        json: given.json === true,
        method: rest[0]!,
        url: rest[1]!,
        headers: (given.header ?? []).map(headerOf),
      };
  }
}

function headerOf(line: string): readonly [string, string] {
  const colon = line.indexOf(':');
  if (colon < 1) throw new UsageError(`-H ${JSON.stringify(line)} is not 'Name: value'`, 'explain');
  return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
}

function podsOf(text = '3'): number {
  const pods = Number(text);
  if (!/^\d+$/.test(text) || pods < 2 || pods > 20)
    throw new UsageError(`--pods ${JSON.stringify(text)} is not a number from 2 to 20`, 'demo');
  return pods;
}

function durationOf(text = '20s'): number {
  const match = /^(\d+)(s|m)$/.exec(text);
  const durationMs = match === null ? Number.NaN : Number(match[1]) * (match[2] === 's' ? 1000 : 60_000);
  if (!(durationMs >= 8000 && durationMs <= 3_600_000))
    throw new UsageError(`--duration ${JSON.stringify(text)} is not a duration from 8s to 60m`, 'demo');
  return durationMs;
}
