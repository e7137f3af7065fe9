/** `--config -`: the configuration from standard input, read once. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { stringify } from 'yaml';
import { Changes } from '../helpers/waiting.ts';
import { PROGRAM } from './support/sidecar.ts';
import { type Scope, stage } from './support/stage.ts';

/** The built program with a pipe for its standard input. */
function started(scope: Scope, args: readonly string[]) {
  const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: 'pipe' });
  scope.onTestFinished(() => void child.kill('SIGKILL'));
  const exited = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  return { child, exited };
}

it.concurrent('run serves by it, says that it will see no change, and SIGHUP changes nothing', async (test) => {
  const scene = await stage(test, ['db-0']);
  const { child, exited } = started(test, ['run', '--config', '-']);
  const changes = new Changes();
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk;
    changes.changed();
  });
  const logged = (words: string) =>
    changes.until(
      () => stderr.includes(words),
      () => `${words}: ${stderr}`,
      8000,
    );
  // In two parts: it waits for the end.
  const document = stringify(scene.document());
  child.stdin.write(document.slice(0, 50));
  child.stdin.end(document.slice(50));
  await logged('headroute has started');
  expect(stderr).toContain('the configuration came from standard input: no change of it will be seen');
  const address = /"app (127\.0\.0\.1:\d+)"/.exec(stderr)![1]!;
  await changes.until(
    () => stderr.includes('"state":"ready"'),
    () => stderr,
    8000,
  );
  expect((await fetch(`http://${address}`)).status).toBe(200);
  child.kill('SIGHUP');
  await logged('SIGHUP changes nothing: the configuration came from standard input');
  child.kill('SIGTERM');
  expect(await exited).toEqual([0, null]);
});

it.concurrent('run that still waits for its end stops on SIGTERM', async (test) => {
  const { child, exited } = started(test, ['run', '--config', '-']);
  // More than a pipe holds: when all of it is written, some has been read.
  await new Promise((written) => child.stdin.write('#'.repeat(300_000), written));
  child.kill('SIGTERM');
  expect(await exited).toEqual([0, null]);
});

it.concurrent('run, check and explain name it in their problems', async (test) => {
  const problem = '<stdin>:1:1: the file is empty';
  for (const [args, stream] of [
    [['check', '--config', '-'], 'stdout'],
    [['explain', '-c', '-', 'GET', '/'], 'stderr'],
    [['run', '--config=-'], 'stderr'],
  ] as const) {
    const { child, exited } = started(test, args);
    child.stdin.end();
    expect(await text(child[stream])).toContain(problem);
    expect((await exited)[0]).toBe(1);
  }
});

it.concurrent('explain takes it', async (test) => {
  const scene = await stage(test, ['db-0']);
  const { child, exited } = started(test, ['explain', '--config', '-', 'GET', '/']);
  child.stdin.end(stringify(scene.document()));
  expect(await text(child.stdout)).toMatch(/^GET \/ goes to .*db-0/);
  expect((await exited)[0]).toBe(0);
});
