import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { watchConfig } from '../../../src/control/config/watching/watch.ts';
import { silentLogger } from '../../../src/platform/logger.ts';
import { pause, poll } from '../../helpers/waiting.ts';
import { sample, textOf } from './sample.ts';

const content = (level: string) => textOf(sample({ document: { log: { level } } }));

/** A ConfigMap volume: file -> ..data/file, ..data -> ..N, swapped by rename. */
function volume() {
  const root = mkdtempSync(join(tmpdir(), 'headroute-watch-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  let version = 0;
  const swap = (text: string): void => {
    const name = `..${++version}`;
    mkdirSync(join(root, name));
    writeFileSync(join(root, name, 'headroute.yaml'), text);
    symlinkSync(name, join(root, '..data_tmp'));
    renameSync(join(root, '..data_tmp'), join(root, '..data'));
  };
  swap(content('info'));
  symlinkSync('..data/headroute.yaml', join(root, 'headroute.yaml'));
  return { root, file: join(root, 'headroute.yaml'), swap };
}

function watching(file: string, intervalMs = 60_000): string[] {
  const seen: string[] = [];
  const watcher = watchConfig(file, {
    onChange: (result) => seen.push(result.ok ? result.config.log.level : 'invalid'),
    env: {},
    intervalMs,
    logger: silentLogger,
  });
  onTestFinished(() => watcher.close());
  return seen;
}

it('C1 (traefik#2057, mediamtx#181): each of five swaps of ..data is seen once, within a second', async () => {
  const { file, swap } = volume();
  const seen = watching(file);
  const levels = ['debug', 'warn', 'error', 'trace', 'fatal'];
  for (const [n, level] of levels.entries()) {
    swap(content(level));
    await poll(() => seen.length === n + 1, `swap ${n}`, 1000);
  }
  expect(seen).toEqual(levels);
});

it('the same content, and other files beside it, are no change', async () => {
  const { root, file, swap } = volume();
  const seen = watching(file, 20);
  swap(content('info'));
  writeFileSync(join(root, 'other'), 'x');
  await pause(150);
  expect(seen).toEqual([]);
});

it('an invalid content is told once, and the next valid one too', async () => {
  const { file, swap } = volume();
  const seen = watching(file, 20);
  swap('nonsense');
  await poll(() => seen.length === 1, 'the invalid one');
  await pause(100);
  swap(content('warn'));
  await poll(() => seen.length === 2, 'the valid one');
  expect(seen).toEqual(['invalid', 'warn']);
});

it('a directory removed and put back is survived, and still watched', async () => {
  const { root, file } = volume();
  const seen = watching(file, 20);
  rmSync(root, { recursive: true });
  await pause(100);
  mkdirSync(root);
  writeFileSync(file, content('warn'));
  await poll(() => seen.length === 1, 'the file put back');
  writeFileSync(file, content('error'));
  await poll(() => seen.includes('error'), 'a later change');
  expect(seen.at(-1)).toBe('error');
});

it('after close nothing is told', async () => {
  const { file, swap } = volume();
  const seen: string[] = [];
  const watcher = watchConfig(file, {
    onChange: () => seen.push('x'),
    env: {},
    intervalMs: 20,
    logger: silentLogger,
  });
  swap(content('warn'));
  watcher.close();
  await pause(150);
  expect(seen).toEqual([]);
});
