import {
  COMMANDS,
  type CommandEntry,
  type CommandName,
  commandNamed,
  OPTIONS,
  type Option,
} from './commands.ts';

/** Column of what a command does. */
const COLUMN = 47;
const LONGEST = Math.max(...COMMANDS.map(({ name }) => name.length));

/** What `headroute help`, or `headroute help COMMAND`, prints. @param name null: all commands */
export function helpText(name: CommandName | null): string {
  const command = name === null ? undefined : commandNamed(name);
  return command === undefined ? overview() : detail(command);
}

function overview(): string {
  return `headroute routes each local request to the right Pod of a headless Service.

usage:
${COMMANDS.flatMap(line).join('\n')}
  headroute --version | --help

--config defaults to $HEADROUTE_CONFIG, else /etc/headroute/headroute.yaml; - is standard input.
Exit status: 0 done; 1 the configuration is invalid or the sidecar could not start; 2 wrong usage.
"headroute help COMMAND" says more of one, with an example.
`;
}

function line({ name, usage, summary }: CommandEntry): string[] {
  const call = `  headroute ${name.padEnd(usage === '' ? 0 : LONGEST)} ${usage}`.trimEnd();
  const indented = summary.map((text) => ' '.repeat(COLUMN) + text);
  // Beside it where there is room.
  return call.length < COLUMN
    ? [call.padEnd(COLUMN) + summary[0]!, ...indented.slice(1)]
    : [call, ...indented];
}

function detail({ name, usage, summary, options, example, notes }: CommandEntry): string {
  const shown = [...options, 'help' as const].map(
    (option) => [written(option), OPTIONS[option].help] as const,
  );
  const width = Math.max(...shown.map(([text]) => text.length)) + 2;
  return [
    `headroute ${name} ${usage}`.trimEnd(),
    '',
    ...summary.map((text) => `  ${text}`),
    '',
    'options:',
    ...shown.map(([text, help]) => `  ${text.padEnd(width)}${help}`),
    '',
    `example${example.length > 1 ? 's' : ''}:`,
    ...example.map((text) => `  ${text}`),
    ...(notes.length === 0 ? [] : ['', ...notes]),
    '',
  ].join('\n');
}

function written(name: keyof typeof OPTIONS): string {
  const { short, value }: Option = OPTIONS[name];
  return `${short === undefined ? '    ' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`;
}
