/** The command line of the built program (SPEC 1): usage, outputs, streams and exit statuses. */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { headroute, type Result } from './support/command.ts';
import { PROGRAM } from './support/sidecar.ts';
import { listener, Stage } from './support/stage.ts';

const folder = mkdtempSync(join(tmpdir(), 'headroute-cli-'));
const good = join(folder, 'good.yaml');
const bad = join(folder, 'bad.yaml');
let scene: Stage;
beforeAll(async () => {
  scene = await Stage.raise();
  writeFileSync(good, stringify(scene.document()));
  writeFileSync(
    bad,
    [
      'apiVersion: headroute.dev/v1alpha1',
      'kind: ProxyConfig',
      'backends:',
      '  - name: db',
      '    service: db.prod.svc.cluster.local',
      '    prot: http',
      'listeners:',
      '  - name: app',
      '    address: 127.0.0.1:0',
      '    protocol: HTTP',
      '    rules:',
      '      - name: all',
      '        backendRefs: [{ name: dbs }]',
      '        selection: { type: Leadr }',
      '        tls: {}',
      'log: { level: 7 }',
      '',
    ].join('\n'),
  );
});
afterAll(async () => {
  await scene.close();
  rmSync(folder, { recursive: true, force: true });
});

const variable = (inside: string): string => `$\{${inside}}`;

it.concurrent.for([
  [[], 'no command given; see "headroute help"'],
  [['run', '--confg', 'x'], 'run takes no --confg; did you mean --config? See "headroute help run"'],
] as const)('wrong usage %j exits 2 and says why in one line on stderr', async ([args, message]) => {
  expect(await headroute(args)).toEqual({ status: 2, stdout: '', stderr: `headroute: ${message}\n` });
});

it.concurrent('--help and --version go to stdout and exit 0', async () => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  expect(await headroute(['--version'])).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' });
  const help = await headroute(['--help']);
  expect([help.status, help.stderr]).toEqual([0, '']);
  for (const command of ['run', 'check', 'explain', 'schema', 'demo'])
    expect(help.stdout).toContain(`headroute ${command}`);
  expect(await headroute(['help'])).toEqual(help);
  expect(await headroute(['version'])).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' });
  const run = await headroute(['run', '--help']);
  expect(run).toMatchObject({ status: 0, stderr: '' });
  expect(run.stdout).toMatch(/^headroute run \[--config FILE\]\n/);
  expect(await headroute(['help', 'run'])).toEqual(run);
});

it.concurrent('schema prints a JSON Schema on stdout', async () => {
  const { status, stdout, stderr } = await headroute(['schema']);
  expect([status, stderr]).toEqual([0, '']);
  expect(JSON.parse(stdout)).toMatchObject({ type: 'object', properties: { backends: {}, listeners: {} } });
});

it.concurrent('check says ok with what it found; --config and $HEADROUTE_CONFIG name the file', async () => {
  const expected = { status: 0, stdout: `${good}: ok (1 backend, 1 listener, 1 rule)\n`, stderr: '' };
  expect(await headroute(['check', '--config', good])).toEqual(expected);
  expect(await headroute(['check'], { env: { HEADROUTE_CONFIG: good } })).toEqual(expected);
  expect(await headroute(['check', '-c', good], { env: { HEADROUTE_CONFIG: '/nowhere' } })).toEqual(expected);
});

it.concurrent('without --config it is /etc/headroute/headroute.yaml', async () => {
  const { status, stdout } = await headroute(['check']);
  expect([status, stdout.startsWith('/etc/headroute/headroute.yaml:1:1: ')]).toEqual([1, true]);
});

it.concurrent('check prints every problem at once on stdout, run logs the same on stderr; both exit 1', async () => {
  const check = await headroute(['check', '--config', bad]);
  expect([check.status, check.stderr]).toEqual([1, '']);
  const lines = check.stdout.trimEnd().split('\n');
  for (const line of lines) expect(line).toMatch(/^.+\/bad\.yaml:\d+:\d+: [\w.[\]]+: .+$/);
  for (const [place, path, word] of [
    ['6:5', 'backends[0].prot', 'port'],
    ['13:31', 'listeners[0].rules[0].backendRefs[0].name', 'dbs'],
    ['14:28', 'listeners[0].rules[0].selection.type', 'Leader'],
    ['16:15', 'log.level', ''],
  ] as const)
    expect(lines).toContainEqual(
      expect.stringMatching(new RegExp(`:${place}: ${path.replace(/[[\].]/g, '\\$&')}: .*${word}`)),
    );
  const run = await headroute(['run', '--config', bad]);
  expect([run.status, run.stdout, JSON.parse(run.stderr).problems]).toEqual([1, '', lines]);
});

it.concurrent('an environment variable without value or default is a problem that names it', async () => {
  const file = join(folder, 'env.yaml');
  writeFileSync(
    file,
    stringify(
      scene.document({
        self: { podName: variable('WHO') },
        listeners: [listener({ address: `127.0.0.1:${variable('PORT:-0')}` })],
      }),
    ),
  );
  const unset = await headroute(['check', '--config', file]);
  expect(unset.status).toBe(1);
  expect(unset.stdout).toMatch(/self\.podName: .*WHO/);
  expect(unset.stdout).not.toContain('PORT');
  expect((await headroute(['check', '--config', file], { env: { WHO: 'app-0' } })).status).toBe(0);
});

it.concurrent('a reader that has seen enough ends no command with a stack trace; a full disk is a failure in words', async () => {
  const shell = (line: string) =>
    new Promise<Result>((resolve) =>
      execFile('sh', ['-c', line, process.execPath, PROGRAM, good], (error, stdout, stderr) =>
        resolve({ status: error === null ? 0 : Number(error.code), stdout, stderr }),
      ),
    );
  for (const command of ['schema', '--help', 'check --config "$2"']) {
    const { stderr } = await shell(`("$0" "$1" ${command}; echo "status $?" >&2) | true`);
    expect(stderr).toBe('status 0\n');
  }
  if (!existsSync('/dev/full')) return;
  const full = await shell('"$0" "$1" schema > /dev/full');
  expect(full.status).toBe(1);
  expect(full.stderr).toMatch(/^headroute: cannot write to standard output: .*no space left.*\n$/);
});
