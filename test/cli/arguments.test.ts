/** The command line as it is read: what is wrong in one line, with the likely meaning and whose help says more. */
import { expect, it } from 'vitest';
import { parseCommand, UsageError } from '../../src/cli/arguments.ts';

function wrong(...argv: string[]): string {
  try {
    return JSON.stringify(parseCommand(argv, {}));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return error.message;
  }
}

it.each([
  [[], 'no command given; see "headroute help"'],
  [['start'], 'unknown command "start"; see "headroute help"'],
  [['chek'], 'unknown command "chek"; did you mean check? See "headroute help"'],
  [['help', 'explian'], 'unknown command "explian"; did you mean explain? See "headroute help"'],
  [['runn', '--help'], 'unknown command "runn"; did you mean run? See "headroute help"'],
  [['run', 'now'], 'run takes no argument "now"; see "headroute help run"'],
  [['run', '--confg', 'x'], 'run takes no --confg; did you mean --config? See "headroute help run"'],
  [['run', '-x'], 'run takes no -x; see "headroute help run"'],
  [['run', '--toString'], 'run takes no --toString; see "headroute help run"'],
  [['run', '--json'], 'run takes no --json; see "headroute help run"'],
  [['run', '--config'], '--config needs a value: FILE; see "headroute help run"'],
  [['check', '-c'], '-c needs a value: FILE; see "headroute help check"'],
  [['check', '--config='], '--config needs a value: FILE; see "headroute help check"'],
  [
    ['explain', '--config', '--json', 'GET', '/'],
    '--config needs a value: FILE; see "headroute help explain"',
  ],
  [['explain', '--json=yes', 'GET', '/'], '--json takes no value; see "headroute help explain"'],
  [['explain', 'GET'], 'explain takes METHOD and URL; see "headroute help explain"'],
  [['explain', 'GET', '/', '/x'], 'explain takes no argument "/x"; see "headroute help explain"'],
  [
    ['explain', '--config', 'a', '--debug', 'b', 'GET', '/'],
    'explain takes --config or --debug, not both; see "headroute help explain"',
  ],
  [
    ['explain', 'GET', '/', '-H', 'no colon'],
    '-H "no colon" is not \'Name: value\'; see "headroute help explain"',
  ],
  [['demo', '--pods', '1'], '--pods "1" is not a number from 2 to 20; see "headroute help demo"'],
  [
    ['demo', '--duration', '1s'],
    '--duration "1s" is not a duration from 8s to 60m; see "headroute help demo"',
  ],
])('%j: %s', (argv, message) => expect(wrong(...argv)).toBe(message));

it.each([
  [['--help'], { name: 'help', about: null }],
  [['help'], { name: 'help', about: null }],
  [['help', 'run'], { name: 'help', about: 'run' }],
  // Whoever asks for help is not told first what is wrong.
  [['run', '--confg', '-h'], { name: 'help', about: 'run' }],
  [['version'], { name: 'version' }],
  [['-v'], { name: 'version' }],
  [['run'], { name: 'run', config: '/etc/headroute/headroute.yaml' }],
  [['run', '-c', '-'], { name: 'run', config: '-' }],
  [['check', '--config', 'a', '--config=b'], { name: 'check', config: 'b' }],
  [
    ['explain', '-H', 'A: 1', 'GET', '/', '--header', 'B:2'],
    {
      name: 'explain',
      config: '/etc/headroute/headroute.yaml',
      json: false,
      method: 'GET',
      url: '/',
      headers: [
        ['A', '1'],
        ['B', '2'],
      ],
    },
  ],
  [['demo', '--pods', '5'], { name: 'demo', pods: 5, durationMs: 20_000 }],
])('%j', (argv, command) => expect(parseCommand(argv, {})).toEqual(command));

it('the environment names the file where the command line does not', () => {
  const env = { HEADROUTE_CONFIG: 'e.yaml' };
  expect(parseCommand(['run'], env)).toEqual({ name: 'run', config: 'e.yaml' });
  expect(parseCommand(['run', '-c', 'f.yaml'], env)).toEqual({ name: 'run', config: 'f.yaml' });
  expect(parseCommand(['run'], { HEADROUTE_CONFIG: '' })).toMatchObject({
    config: '/etc/headroute/headroute.yaml',
  });
});
