/** The tarball that `npm pack` makes of a fresh clone: what is in it, and that it runs where nothing else is. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { Changes } from '../helpers/waiting.ts';
import { Installed, npm } from './installed.ts';
import { MAJORS, nodeOf } from './nodes.ts';

let installed: Installed;
beforeAll(() => {
  installed = new Installed();
});
afterAll(() => installed?.dispose());

const CONFIG = `apiVersion: headroute.dev/v1alpha1
kind: ProxyConfig
backends: [{ name: db, discovery: { static: [{ name: db-0, address: "127.0.0.1:9" }] } }]
listeners: [{ name: db, address: "127.0.0.1:0", rules: [{ name: all, backendRefs: [{ name: db }] }] }]
admin: { address: "127.0.0.1:0" }
debug: { address: "127.0.0.1:0" }
`;

it('holds the program, its schema, the licences, the docs, and little else', () => {
  const { files, tarballBytes } = installed;
  for (const file of [
    'package.json',
    'README.md',
    'LICENSE',
    'dist/headroute.js',
    'dist/headroute-main.js',
    'dist/schema.json',
    'dist/THIRD-PARTY-LICENSES.txt',
    'docs/configuration.md',
    'docs/first-hour.md',
  ])
    expect(files).toContain(file);
  expect(
    files.filter((file) => !/^(dist\/|docs\/.*\.md$|package\.json$|README\.md$|LICENSE$)/.test(file)),
  ).toEqual([]);
  expect(files.filter((file) => file.startsWith('dist/.'))).toEqual([]);
  // 0.5 MB; more than twice as much is no accident of a few lines.
  expect(tarballBytes).toBeLessThan(1e6);
});

it('says where it comes from', () => {
  const manifest = JSON.parse(installed.read('package.json'));
  expect(manifest.repository.url).toMatch(/^git\+https:\/\/github\.com\//);
  expect(manifest.homepage).toMatch(/^https:\/\//);
  expect(manifest.keywords).toContain('kubernetes');
  expect(manifest.license).toBe('Apache-2.0');
});

it('pulls nothing', () => {
  const { dependencies } = JSON.parse(npm(['ls', '--all', '--json'], installed.folder));
  expect(Object.keys(dependencies)).toEqual(['headroute']);
  expect(dependencies.headroute.dependencies).toBeUndefined();
  expect(readdirSync(join(installed.folder, 'node_modules')).filter((name) => !name.startsWith('.'))).toEqual(
    ['headroute'],
  );
});

it('npx headroute runs it', () => {
  const { version } = JSON.parse(installed.read('package.json'));
  const said = execFileSync('npx', ['--no-install', 'headroute', '--version'], {
    cwd: installed.folder,
    encoding: 'utf8',
  });
  expect(said).toBe(`${version}\n`);
});

describe.each(MAJORS)('with Node.js %i', (major) => {
  const node = nodeOf(major);
  const program = (): string => join(installed.folder, 'node_modules/headroute/dist/headroute.js');
  const run = (args: readonly string[]) =>
    spawnSync(node!, [program(), ...args], { cwd: installed.folder, encoding: 'utf8' });

  it.skipIf(node === null)(
    'checks a configuration, says what is wrong with another, and prints its schema',
    () => {
      const file = installed.write('good.yaml', CONFIG);
      expect(run(['check', '--config', file])).toMatchObject({
        status: 0,
        stdout: `${file}: ok (1 backend, 1 listener, 1 rule)\n`,
        stderr: '',
      });
      const bad = installed.write('bad.yaml', CONFIG.replace('name: all', 'nam: all'));
      expect(run(['check', '--config', bad])).toMatchObject({ status: 1, stderr: '' });
      expect(run(['schema']).stdout).toBe(installed.read('dist/schema.json'));
      expect(run(['chek'])).toMatchObject({ status: 2, stdout: '' });
    },
  );

  it.skipIf(node === null)('plays the demo, whose Pods and sidecar are processes of the same file', () => {
    const { status, stdout, stderr } = run(['demo', '--pods', '2', '--duration', '8s']);
    expect({ status, stderr }, stdout).toEqual({ status: 0, stderr: '' });
  });

  it.skipIf(node === null)('reloads a large configuration by a thread of its own, and stops', async () => {
    const file = installed.write(`run-${major}.yaml`, CONFIG);
    const child = spawn(node!, [program(), 'run', '--config', file], { stdio: ['ignore', 'ignore', 'pipe'] });
    onTestFinished(() => void child.kill('SIGKILL'));
    const exited = once(child, 'close');
    const changes = new Changes();
    let log = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      log += text;
      changes.changed();
    });
    const logged = (words: string) =>
      changes.until(
        () => log.includes(words),
        () => `${words}: ${log}`,
        30_000,
      );
    await logged('headroute has started');
    installed.write(`run-${major}.yaml`, CONFIG + '# and a comment\n'.repeat(2000));
    await logged('configuration is in force');
    expect(log).not.toContain('a thread could not parse');
    child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
  });
});
