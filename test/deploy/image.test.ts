import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';

/** What can be said of the image without building it: the Dockerfile's text, and that the program needs nothing beside its own files. */

/** [instruction, arguments], comments and line continuations resolved. */
const instructions = readFileSync('Dockerfile', 'utf8')
  .replace(/^#.*\n/gm, '')
  .replace(/\\\n/g, ' ')
  .split('\n')
  .filter((line) => line.trim() !== '')
  .map(
    (line) =>
      [line.slice(0, line.indexOf(' ')).toUpperCase(), line.slice(line.indexOf(' ') + 1).trim()] as const,
  );
const stageStarts = instructions.flatMap(([name], n) => (name === 'FROM' ? [n] : []));
const last = instructions.slice(stageStarts.at(-1));
const argumentsOf = (name: string) => last.filter(([n]) => n === name).map(([, text]) => text);

describe('the Dockerfile', () => {
  it('builds in one stage and ships another, both on Node 24', () => {
    expect(stageStarts).toHaveLength(2);
    for (const n of stageStarts) expect(instructions[n]![1]).toMatch(/node(js)?:?24/);
  });

  it('needs no shell in what it ships: no RUN, ENTRYPOINT and CMD as JSON', () => {
    expect(argumentsOf('RUN')).toEqual([]);
    expect(JSON.parse(argumentsOf('ENTRYPOINT')[0]!)).toEqual(['/nodejs/bin/node', '/app/headroute.js']);
    expect(JSON.parse(argumentsOf('CMD')[0]!)).toEqual(['run']);
  });

  it('runs as a user given by number that is not root', () => {
    const [user] = argumentsOf('USER');
    expect(Number(user!.split(':')[0])).toBeGreaterThan(0);
  });

  it('ships the program and the license, nothing else', () => {
    expect(argumentsOf('COPY').map((text) => text.split(' ').at(-1))).toEqual(['/licenses/LICENSE', '/app/']);
  });

  it('copies all that the build is made of', () => {
    const copied = instructions.flatMap(([name, text]) => (name === 'COPY' ? text.split(' ') : []));
    const scripts = ['scripts/build.mjs'];
    for (const script of scripts)
      for (const [, name] of readFileSync(script, 'utf8').matchAll(/from '\.\/([^']+)'/g))
        if (!scripts.includes(`scripts/${name}`)) scripts.push(`scripts/${name}`);
    expect(scripts.length).toBeGreaterThan(1);
    for (const script of scripts) expect(copied).toContain(script);
  });

  it('copies only what is there and what .dockerignore lets through', () => {
    const allowed = readFileSync('.dockerignore', 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('!'));
    const sources = instructions
      .filter(([name, text]) => name === 'COPY' && !text.startsWith('--from='))
      .flatMap(([, text]) => text.split(' ').slice(0, -1));
    expect(sources.filter((source) => !existsSync(source))).toEqual([]);
    expect(allowed.sort()).toEqual(sources.map((source) => `!${source}`).sort());
  });

  it('carries the version of the package, as do the manifests', () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
    expect(readFileSync('Dockerfile', 'utf8')).toContain(`image.version="${version}"`);
    expect(readFileSync('deploy/sidecar/patch.yaml', 'utf8')).toContain(`image: headroute:${version}\n`);
  });
});

describe('the program alone', () => {
  it('is of a few MB and needs no node_modules', () => {
    const folder = mkdtempSync(join(tmpdir(), 'headroute-alone-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const files = readdirSync('dist');
    expect(files).toEqual(expect.arrayContaining(['headroute-main.js', 'headroute.js']));
    expect(files).toContain('THIRD-PARTY-LICENSES.txt');
    for (const file of files) copyFileSync(join('dist', file), join(folder, file));
    expect(statSync(join(folder, 'headroute-main.js')).size).toBeLessThan(5e6);
    const alone = join(folder, 'headroute.js');
    const { status, stdout, stderr } = spawnSync(process.execPath, [alone, '--version'], {
      cwd: folder,
      encoding: 'utf8',
    });
    const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
    expect({ status, stderr, named: stdout.includes(version) }).toEqual({
      status: 0,
      stderr: '',
      named: true,
    });
  });

  it('runs and reloads where it may write no file and start no process, as on a read-only root file system', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'headroute-readonly-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const [data, admin, debug] = await Promise.all([freePort(), freePort(), freePort()]);
    const config = join(folder, 'headroute.yaml');
    writeFileSync(
      config,
      `apiVersion: headroute.dev/v1alpha1
kind: ProxyConfig
backends: [{ name: db, service: db.prod.svc.cluster.local, port: http, discovery: { nameservers: ["127.0.0.1:9"], queryTimeout: 100ms } }]
listeners: [{ name: db, address: "127.0.0.1:${data}", protocol: HTTP, rules: [{ name: all, backendRefs: [{ name: db }] }] }]
admin: { address: "127.0.0.1:${admin}" }
debug: { address: "127.0.0.1:${debug}" }
`,
    );
    const permission = process.allowedNodeEnvironmentFlags.has('--permission')
      ? '--permission'
      : '--experimental-permission';
    const args = [
      permission,
      '--allow-fs-read=*',
      '--allow-worker',
      'dist/headroute.js',
      'run',
      '--config',
      config,
    ];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
    onTestFinished(() => void child.kill('SIGKILL'));
    for (const deadline = performance.now() + 10_000; ; ) {
      const status = await fetch(`http://127.0.0.1:${admin}/readyz`).then(
        (a) => a.status,
        () => 0,
      );
      if (status === 200) break;
      expect(child.exitCode, output).toBeNull();
      expect(performance.now(), `not ready: ${output}`).toBeLessThan(deadline);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    // Large enough for a thread of its own, which needs no other file either.
    writeFileSync(config, readFileSync(config, 'utf8') + '# and a comment\n'.repeat(2000));
    for (const deadline = performance.now() + 10_000; !output.includes('configuration is in force'); ) {
      expect(performance.now(), `not reloaded: ${output}`).toBeLessThan(deadline);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(output).not.toContain('a thread could not parse');
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
    expect(output).not.toContain('ERR_ACCESS_DENIED');
  });
});

/** The program says nowhere which port it was given; what it is told must be free. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
