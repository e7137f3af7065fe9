/** The command line in one table: what it takes is read by it (arguments.ts), and explained from it (help.ts). */

export interface Option {
  readonly short?: string;
  /** What stands for its value; undefined: it takes none. */
  readonly value?: string;
  readonly multiple?: true;
  readonly help: string;
}

export const OPTIONS = {
  config: {
    short: 'c',
    value: 'FILE',
    help: 'the configuration, - for standard input; default: $HEADROUTE_CONFIG, else /etc/headroute/headroute.yaml',
  },
  debug: { value: 'URL', help: "a running sidecar's debug.address, as http://127.0.0.1:9181" },
  watch: { help: 'go on, and draw it anew whenever something changes' },
  json: { help: 'the answer as JSON; default: in words' },
  header: {
    short: 'H',
    value: "'Name: value'",
    multiple: true,
    help: 'a header of the request; may be given several times',
  },
  pods: { value: 'N', help: 'number of Pods, 2 to 20; default: 3' },
  duration: { value: 'TIME', help: 'how long it plays, 8s to 60m; default: 20s' },
  help: { short: 'h', help: 'what a command does and takes' },
  version: { short: 'v', help: 'the version' },
} as const satisfies Record<string, Option>;

export type OptionName = keyof typeof OPTIONS;

export interface CommandEntry {
  readonly name: string;
  /** How it is called, behind its name. */
  readonly usage: string;
  /** What it does, in a line or two. */
  readonly summary: readonly string[];
  readonly options: readonly OptionName[];
  /** The arguments that must be given, or may be where they stand in brackets. */
  readonly arguments: readonly string[];
  readonly example: readonly string[];
  /** What there is to know besides. */
  readonly notes: readonly string[];
}

const INVALID = 'Exit status: 0 done; 1 the configuration is invalid';

export const COMMANDS = [
  {
    name: 'run',
    usage: '[--config FILE]',
    summary: ['run the sidecar'],
    options: ['config'],
    arguments: [],
    example: ['headroute run --config headroute.yaml'],
    notes: [
      'SIGTERM and SIGINT stop it within shutdown.timeout, a second one at once. SIGHUP reads the file again now; it is',
      'watched besides. Standard input is read once, to its end, and cannot be watched. Logs go to stderr.',
      `${INVALID}, or it could not start.`,
    ],
  },
  {
    name: 'check',
    usage: '[--config FILE]',
    summary: ['validate; print every problem as FILE:LINE:COL: path: message'],
    options: ['config'],
    arguments: [],
    example: ['headroute check --config headroute.yaml', 'kubectl kustomize . | headroute check --config -'],
    notes: [
      'A ConfigMap, a List or several documents may stand in the file: each key that holds a ProxyConfig is checked, and',
      'problems are told at their place in the whole file.',
      `${INVALID}.`,
    ],
  },
  {
    name: 'explain',
    usage: "[--config FILE | --debug URL] [--json] METHOD URL [-H 'Name: value']...",
    summary: [
      'say which rule and Pod a request would take, and why;',
      "URL of --debug is that of a running sidecar's debug.address",
    ],
    options: ['config', 'debug', 'json', 'header'],
    arguments: ['METHOD', 'URL'],
    example: [
      "headroute explain --debug http://127.0.0.1:9181 POST /t/acme/x -H 'Host: db'",
      'headroute explain --config headroute.yaml GET http://127.0.0.1:8080/search',
    ],
    notes: [
      'Without --debug the Pods of the file are looked up and probed once, from here. The request itself goes nowhere.',
      `${INVALID}, or the sidecar did not answer; 2 wrong usage.`,
    ],
  },
  {
    name: 'schema',
    usage: '',
    summary: ['print the JSON Schema of the configuration'],
    options: [],
    arguments: [],
    example: ['headroute schema > headroute.schema.json'],
    notes: [
      'Editors complete and check a file that begins with # yaml-language-server: $schema=headroute.schema.json',
    ],
  },
  {
    name: 'status',
    usage: '[--debug URL] [--watch]',
    summary: ['what a running sidecar knows, problems first'],
    options: ['debug', 'watch'],
    arguments: [],
    example: ['headroute status --watch', 'headroute status --debug http://127.0.0.1:9181'],
    notes: [
      '--debug defaults to http://127.0.0.1:9181. Colours are for a terminal, and for nobody who set NO_COLOR.',
      'Exit status: 0 it serves, perhaps with warnings; 1 it does not answer; 2 wrong usage; 3 it has errors, so that some',
      'requests cannot be served.',
    ],
  },
  {
    name: 'demo',
    usage: '[--pods N] [--duration 20s]',
    summary: ['an embedded DNS server, N small Pods and the sidecar, on loopback'],
    options: ['pods', 'duration'],
    arguments: [],
    example: ['headroute demo --pods 5 --duration 30s'],
    notes: [
      "The leader is killed, a Pod joins, and the Pods' own logs prove that no acknowledged write was lost or doubled.",
      'Exit status: 0 the proof holds; 1 it does not.',
    ],
  },
  {
    name: 'help',
    usage: '[COMMAND]',
    summary: ['what a command does and takes, with an example'],
    options: [],
    arguments: ['[COMMAND]'],
    example: ['headroute help run'],
    notes: [],
  },
  {
    name: 'version',
    usage: '',
    summary: ['print the version'],
    options: [],
    arguments: [],
    example: ['headroute version'],
    notes: [],
  },
] as const satisfies readonly CommandEntry[];

export type CommandName = (typeof COMMANDS)[number]['name'];

export function commandNamed(name: string): (CommandEntry & { readonly name: CommandName }) | undefined {
  return COMMANDS.find((command) => command.name === name);
}
