import { parseArgs } from 'node:util';

/** Wrong usage; the message says what is wrong. */
export class UsageError extends Error {}

export type Command =
  | { readonly name: 'help' | 'version' | 'schema' }
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

const OPTIONS = {
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'v' },
  config: { type: 'string', short: 'c' },
  debug: { type: 'string' },
  json: { type: 'boolean' },
  watch: { type: 'boolean' },
  header: { type: 'string', short: 'H', multiple: true },
  pods: { type: 'string' },
  duration: { type: 'string' },
} as const;

/** Which options each command takes. */
const TAKES: Record<string, readonly string[]> = {
  run: ['config'],
  check: ['config'],
  explain: ['config', 'debug', 'json', 'header'],
  schema: [],
  status: ['debug', 'watch'],
  demo: ['pods', 'duration'],
};

/** @throws UsageError */
export function parseCommand(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Command {
  const { values, positionals } = parse(argv);
  if (values.version === true) return { name: 'version' };
  if (values.help === true) return { name: 'help' };
  const [name, ...rest] = positionals;
  if (name === undefined) throw new UsageError('no command given');
  const takes = TAKES[name];
  if (takes === undefined) throw new UsageError(`unknown command ${JSON.stringify(name)}`);
  for (const option of Object.keys(values))
    if (!takes.includes(option)) throw new UsageError(`${name} takes no --${option}`);
  if (name !== 'explain' && rest.length > 0)
    throw new UsageError(`${name} takes no argument ${JSON.stringify(rest[0])}`);
  const config = values.config ?? (env.HEADROUTE_CONFIG || '/etc/headroute/headroute.yaml');
  switch (name) {
    case 'run':
    case 'check':
      return { name, config };
    case 'schema':
      return { name };
    case 'status':
      return { name, debug: values.debug ?? 'http://127.0.0.1:9181', watch: values.watch === true };
    case 'demo':
      return { name, pods: podsOf(values.pods), durationMs: durationOf(values.duration) };
    default: {
      if (rest.length !== 2) throw new UsageError('explain takes METHOD and URL');
      if (values.debug !== undefined && values.config !== undefined)
        throw new UsageError('explain takes --config or --debug, not both');
      return {
        name: 'explain',
        config: values.debug === undefined ? config : undefined,
        debug: values.debug,
        json: values.json === true,
        method: rest[0]!,
        url: rest[1]!,
        headers: (values.header ?? []).map(headerOf),
      };
    }
  }
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw new UsageError((error as Error).message.split('\n')[0]!);
  }
}

function headerOf(line: string): readonly [string, string] {
  const colon = line.indexOf(':');
  if (colon < 1) throw new UsageError(`-H ${JSON.stringify(line)} is not 'Name: value'`);
  return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
}

function podsOf(text = '3'): number {
  const pods = Number(text);
  if (!/^\d+$/.test(text) || pods < 2 || pods > 20)
    throw new UsageError(`--pods ${JSON.stringify(text)} is not a number from 2 to 20`);
  return pods;
}

function durationOf(text = '20s'): number {
  const match = /^(\d+)(s|m)$/.exec(text);
  const durationMs = match === null ? Number.NaN : Number(match[1]) * (match[2] === 's' ? 1000 : 60_000);
  if (!(durationMs >= 8000 && durationMs <= 3_600_000))
    throw new UsageError(`--duration ${JSON.stringify(text)} is not a duration from 8s to 60m`);
  return durationMs;
}
