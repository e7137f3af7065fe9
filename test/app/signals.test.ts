/** What the built program does with signals besides the stop of a running one (SPEC 1; case B12: daily-co/pipecat-cloud-images#104). */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { stringify } from 'yaml';
import { pause, poll } from '../helpers/waiting.ts';
import { PROGRAM } from './support/sidecar.ts';
import { listener, type Scope, sidecar, stage, takenPort } from './support/stage.ts';

const SIGHUP_BIT = 1n;

/**
 * Whether the program has its signal handlers, of which SIGHUP's comes after the others. (Node.js itself catches SIGTERM from its
 * own start on, only to raise it again without a handler, which the first process of a container never feels.)
 */
function hasHandlers(pid: number, program: string): boolean {
  // Between fork and exec it is a copy of this process.
  if (!readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(program)) return false;
  const caught = /^SigCgt:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))![1]!;
  return (BigInt(`0x${caught}`) & SIGHUP_BIT) !== 0n;
}

/** Starts `run` and returns as soon as it has its signal handlers. */
async function starting(scope: Scope, program: string, file: string) {
  const child = spawn(process.execPath, [program, 'run', '--config', file], { stdio: 'ignore' });
  scope.onTestFinished(() => void child.kill('SIGKILL'));
  const ended = once(child, 'exit');
  await poll(() => hasHandlers(child.pid!, program), 'its signal handlers', 8000);
  return { child, ended };
}

function scratch(scope: Scope): string {
  const folder = mkdtempSync(join(tmpdir(), 'headroute-signals-'));
  scope.onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

it('B12: SIGTERM and SIGINT end the process with 0 before the rest of the program is even loaded', async (test) => {
  const folder = scratch(test);
  const program = join(folder, 'headroute.mjs');
  copyFileSync(PROGRAM, program);
  // The rest never comes.
  writeFileSync(join(folder, 'headroute-main.js'), 'await new Promise(() => setInterval(() => {}, 1000));');
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const { child, ended } = await starting(test, program, join(folder, 'none.yaml'));
    child.kill('SIGHUP');
    child.kill(signal);
    expect(await ended).toEqual([0, null]);
  }
});

it('B12: from then on no SIGTERM is lost, whenever it comes during the start; exit 0', async (test) => {
  const scene = await stage(test);
  const file = join(scratch(test), 'headroute.yaml');
  writeFileSync(file, stringify(scene.document()));
  for (let afterMs = 0; afterMs < 200; afterMs += 20) {
    const { child, ended } = await starting(test, PROGRAM, file);
    await pause(afterMs);
    child.kill('SIGTERM');
    expect([afterMs, await ended]).toEqual([afterMs, [0, null]]);
  }
});

it.concurrent('SIGHUP reads the configuration again now: a change is in force, an unchanged file is said to be', async (test) => {
  const scene = await stage(test);
  // Behind a link, so that no event of the file's directory tells of a change.
  const target = join(scratch(test), 'target.yaml');
  const file = join(scratch(test), 'headroute.yaml');
  symlinkSync(target, file);
  writeFileSync(target, stringify(scene.document()));
  const running = await sidecar(test, null, { file });
  running.signal('SIGHUP');
  await running.log('the configuration file has not changed');
  writeFileSync(target, stringify(scene.document({ log: { level: 'debug' } })));
  running.signal('SIGHUP');
  await running.log('the changed configuration is in force');
  running.signal('SIGHUP');
  await running.log('the configuration file has not changed', 2);
  expect(await running.metric('headroute_config_reloads_total', { result: 'success' })).toBe(2);
});

it.concurrent('SIGHUP tries again what could not take effect, though the file is the same', async (test) => {
  const scene = await stage(test);
  const running = await sidecar(test, scene.document());
  const taken = await takenPort(test);
  const more = listener({ name: 'more', address: `127.0.0.1:${taken.port}` });
  running.write(scene.document({ listeners: [listener(), more] }));
  await running.log('cannot take effect');
  await taken.close();
  running.signal('SIGHUP');
  await running.log('the changed configuration is in force');
  expect((await fetch(`http://127.0.0.1:${taken.port}/`)).status).toBe(200);
});

it.concurrent('SIGHUP with a file that is gone says so, each time, and serves on', async (test) => {
  const scene = await stage(test);
  const running = await sidecar(test, scene.document());
  await running.pods(2);
  rmSync(running.file);
  await running.log('the configuration file cannot be read');
  running.signal('SIGHUP');
  await running.log('the configuration file cannot be read', 2);
  expect((await fetch(running.url)).status).toBe(200);
});

/** Inodes of the sockets that a process has open. */
function sockets(pid: number): Set<string> {
  const links = readdirSync(`/proc/${pid}/fd`).map((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`);
    } catch {
      return '';
    }
  });
  return new Set(links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []));
}

/** TCP ports that a process listens on. */
function listening(pid: number): number[] {
  const own = sockets(pid);
  const rows = ['tcp', 'tcp6'].flatMap((name) =>
    readFileSync(`/proc/${pid}/net/${name}`, 'utf8').split('\n').slice(1),
  );
  return rows
    .map((row) => row.trim().split(/\s+/))
    .filter((fields) => fields[3] === '0A' && own.has(fields[9]!))
    .map((fields) => Number.parseInt(fields[1]!.split(':')[1]!, 16))
    .sort();
}

it.concurrent('SIGUSR1 opens no inspector and changes nothing', async (test) => {
  const scene = await stage(test);
  const running = await sidecar(test, scene.document());
  await running.pods(2);
  const before = listening(running.pid);
  expect(before).toHaveLength(3);
  running.signal('SIGUSR1');
  await pause(500);
  expect(listening(running.pid)).toEqual(before);
  expect(running.otherLines).toEqual([]);
  expect((await fetch(running.url)).status).toBe(200);
});
