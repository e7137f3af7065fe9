/** `headroute demo` as a user runs it (issue 10 item 10): it ends by itself, proves its point and leaves nothing behind. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it } from 'vitest';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'headroute-demo-test-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const env = () => ({ ...process.env, TMPDIR: folder });

it('shows a failover and a joining Pod, and proves that no write was lost or doubled', async () => {
  const child = spawn(process.execPath, ['dist/headroute.js', 'demo', '--duration', '8s'], { env: env() });
  const [output, errors, [status]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ]);
  expect(`${status} ${errors}`).toBe('0 ');
  expect(output).toMatch(/the leader db-0 is killed/);
  expect(output).toMatch(/held writes land on db-1/);
  expect(output).toMatch(/db-3 joins/);
  expect(output).toMatch(/writes {2}[1-9]\d* acknowledged \(.*db-1 [1-9]/);
  expect(output).toMatch(/reads {3}.*db-3 [1-9].*, 0 failed/);
  expect(output).toMatch(/none lost, none doubled/);
  expect(output).not.toContain('\x1b');
  expect(readdirSync(folder)).toEqual([]);
});

it('SIGINT ends it early, with its summary and nothing left behind', async () => {
  const child = spawn(process.execPath, ['dist/headroute.js', 'demo', '--duration', '60s'], { env: env() });
  let output = '';
  const flowing = new Promise<void>((resolve) => {
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
      if (output.includes('send requests through')) resolve();
    });
  });
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    complaints += chunk;
  });
  const closed = once(child, 'close');
  await Promise.race([flowing, closed]);
  child.kill('SIGINT');
  const [status] = await closed;
  expect(complaints).toBe('');
  expect(output).toMatch(/none lost, none doubled/);
  expect(status).toBe(0);
  expect(readdirSync(folder)).toEqual([]);
});

it.each([
  ['--pods', '1'],
  ['--pods', '21'],
  ['--pods', 'two'],
  ['--duration', '7s'],
  ['--duration', 'soon'],
])('%s %s is wrong usage', async (...flags) => {
  const run = promisify(execFile)(process.execPath, ['dist/headroute.js', 'demo', ...flags]);
  await expect(run).rejects.toMatchObject({ code: 2 });
});
