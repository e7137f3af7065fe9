import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { LineWriter } from '../../src/observe/line-writer.ts';
import { poll } from '../helpers/waiting.ts';

/** A real pipe of 64 KiB, whose writing end does not block. */
function pipe() {
  const folder = mkdtempSync(join(tmpdir(), 'headroute-lines-'));
  const path = join(folder, 'pipe');
  execFileSync('mkfifo', [path]);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writer = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  const open = new Set([reader, writer]);
  const close = (fd: number): void => {
    if (open.delete(fd)) closeSync(fd);
  };
  onTestFinished(() => {
    for (const fd of open) closeSync(fd);
    rmSync(folder, { recursive: true });
  });
  const buffer = Buffer.alloc(1024 * 1024);
  /** What is there now. */
  const read = (): string => {
    try {
      return buffer.toString('latin1', 0, readSync(reader, buffer));
    } catch {
      return '';
    }
  };
  return { writer, read, closeReader: () => close(reader) };
}

const line = (n: number): string => `${String(n).padStart(99, '.')}\n`;

it('the lines of a turn go out together, in order, at its end', async () => {
  const { writer, read } = pipe();
  const log = new LineWriter(writer);
  log.write(line(1));
  log.write(line(2));
  expect(read()).toBe('');
  expect(await poll(() => read() || null, 'the lines')).toBe(line(1) + line(2));
});

it('what a slow reader has no room for waits, comes whole and in order when it reads on, and is not counted', async () => {
  const { writer, read } = pipe();
  const log = new LineWriter(writer);
  const count = 5000;
  for (let n = 0; n < count; n++) log.write(line(n));
  expect(log.flush()).toBe(false);
  let got = '';
  await poll(() => {
    got += read();
    return got.length >= count * 100;
  }, 'all lines');
  expect(got).toBe(Array.from({ length: count }, (_, n) => line(n)).join(''));
  expect([log.flush(), log.dropped]).toEqual([true, 0]);
});

it('lines past what may wait are dropped and counted; those that waited come later', async () => {
  const { writer, read } = pipe();
  const log = new LineWriter(writer, 1000);
  for (let n = 0; n < 700; n++) {
    log.write(line(n));
    log.flush();
  }
  const { dropped } = log;
  let got = '';
  await poll(() => {
    got += read();
    return log.flush();
  }, 'what waited to be written');
  got += read();
  // What the pipe holds, and ten lines that may wait.
  const kept = 700 - dropped;
  expect(kept).toBeGreaterThan(600);
  expect(kept).toBeLessThanOrEqual(655 + 10 + 1);
  expect(got).toBe(Array.from({ length: kept }, (_, n) => line(n)).join(''));
  log.write(line(1000));
  expect(await poll(() => read() || null, 'the next line')).toBe(line(1000));
  expect(log.dropped).toBe(dropped);
});

it('a reader that went away costs its lines and nothing else', () => {
  const { writer, closeReader } = pipe();
  const log = new LineWriter(writer);
  closeReader();
  for (let n = 0; n < 3; n++) log.write(line(n));
  expect([log.flush(), log.dropped]).toEqual([true, 3]);
});

it('whoever waits for the last lines waits no longer than it said', async () => {
  const { writer, read } = pipe();
  const log = new LineWriter(writer);
  for (let n = 0; n < 1000; n++) log.write(line(n));
  await log.settled(50);
  expect(log.flush()).toBe(false);
  expect(read().length).toBeLessThan(100_000);
});
