import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { hashOf, parseConfig } from '../../../src/control/config/parse.ts';
import { watchConfig } from '../../../src/control/config/watching/watch.ts';
import { silentLogger } from '../../../src/platform/logger.ts';
import { mistakes } from '../../helpers/mistakes.ts';
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
    onChange: (result) => void seen.push(result.ok ? result.config.log.level : 'invalid'),
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
    onChange: () => void seen.push('x'),
    env: {},
    intervalMs: 20,
    logger: silentLogger,
  });
  swap(content('warn'));
  watcher.close();
  await pause(150);
  expect(seen).toEqual([]);
});

describe('one content after another', () => {
  /** Parses as it is told to: each content waits for its turn to be let go. */
  function slowly(file: string, onChange = (_level: string): void => {}) {
    const waiting: (() => void)[] = [];
    const told: string[] = [];
    const watcher = watchConfig(file, {
      onChange: (result) => {
        const level = result.ok ? result.config.log.level : 'invalid';
        told.push(level);
        onChange(level);
      },
      env: {},
      intervalMs: 20,
      logger: silentLogger,
      parse: async (text, name, env) => {
        await new Promise<void>((resolve) => waiting.push(resolve));
        return parseConfig(text, name, env);
      },
    });
    onTestFinished(() => watcher.close());
    return { told, waiting, watcher };
  }

  it('one that was replaced before its turn is passed over; one that is told already is not told again', async () => {
    const { file, swap } = volume();
    const { told, waiting } = slowly(file);
    swap(content('debug'));
    await poll(() => waiting.length === 1, 'the first is parsed');
    swap(content('warn'));
    await pause(150);
    swap(content('debug'));
    await pause(150);
    waiting.shift()!();
    await poll(() => told.length === 1, 'the first');
    swap(content('error'));
    await poll(() => waiting.length === 1, 'the next that is parsed');
    waiting.shift()!();
    await poll(() => told.length === 2, 'the last');
    expect(told).toEqual(['debug', 'error']);
  });

  it('a listener that throws misses no later one, and its mistake is reported', async () => {
    const met = mistakes();
    const { file, swap } = volume();
    const { told, waiting } = slowly(file, (level) => {
      if (level === 'debug') throw new Error('not this one');
    });
    for (const level of ['debug', 'warn']) {
      swap(content(level));
      await poll(() => waiting.length === 1, level);
      waiting.shift()!();
      await poll(() => told.includes(level), level);
    }
    expect(told).toEqual(['debug', 'warn']);
    expect(met).toEqual({ where: ['control'], errors: [new Error('not this one')] });
  });

  it.each([
    ['took effect: there is nothing to do', true, ['debug']],
    ['did not take effect: it is tried again', false, ['debug', 'debug']],
  ])(
    'one that somebody asked for while it was being put in force, and that %s',
    async (_, works, expected) => {
      const { file, swap } = volume();
      const told: string[] = [];
      const said: string[] = [];
      let inForce = hashOf(content('info'));
      const applying: (() => void)[] = [];
      const watcher = watchConfig(file, {
        onChange: async (result, hash) => {
          told.push(result.ok ? result.config.log.level : 'invalid');
          await new Promise<void>((resolve) => applying.push(resolve));
          if (works || told.length > 1) inForce = hash;
        },
        inForce: () => inForce,
        env: {},
        intervalMs: 20,
        logger: { ...silentLogger, info: (_fields: object, message: string) => void said.push(message) },
      });
      onTestFinished(() => watcher.close());
      swap(content('debug'));
      await poll(() => applying.length === 1, 'is put in force');
      watcher.reread();
      watcher.reread();
      await pause(50);
      expect(told).toEqual(['debug']);
      applying.shift()!();
      if (!works) {
        await poll(() => applying.length === 1, 'is tried again');
        applying.shift()!();
      }
      const unchanged = 'the configuration file has not changed';
      if (works) await poll(() => said.includes(unchanged), unchanged);
      await pause(50);
      expect(told).toEqual(expected);
      expect([said.includes(unchanged), inForce]).toEqual([works, hashOf(content('debug'))]);
    },
  );

  it('one that is parsed when the watch ends is not told', async () => {
    const { file, swap } = volume();
    const { told, waiting, watcher } = slowly(file);
    swap(content('debug'));
    await poll(() => waiting.length === 1, 'is parsed');
    watcher.close();
    waiting.shift()!();
    await pause(50);
    expect(told).toEqual([]);
  });
});

it('what changed between the load and the watch is seen without an event', async () => {
  const { file } = volume();
  const seen: string[] = [];
  const watcher = watchConfig(file, {
    onChange: (result) => void seen.push(result.ok ? result.config.log.level : 'invalid'),
    env: {},
    intervalMs: 60_000,
    knownHash: 'that of another content',
    logger: silentLogger,
  });
  onTestFinished(() => watcher.close());
  await poll(() => seen.length === 1, 'the content of now');
  expect(seen).toEqual(['info']);
});

it('a change that comes without an event is found by its hash', async () => {
  const { root } = volume();
  const { file: elsewhere, swap } = volume();
  // A link out of the watched directory: nothing happens in that when its target changes.
  const file = join(root, 'linked.yaml');
  symlinkSync(elsewhere, file);
  const seen = watching(file, 20);
  await pause(100);
  swap(content('warn'));
  await poll(() => seen.length === 1, 'the change');
  expect(seen).toEqual(['warn']);
});

it('a directory that another one replaced is watched, not the old one', async () => {
  const { root, file } = volume();
  const seen = watching(file);
  renameSync(root, `${root}-old`);
  onTestFinished(() => rmSync(`${root}-old`, { recursive: true, force: true }));
  mkdirSync(root);
  writeFileSync(file, content('warn'));
  await poll(() => seen.length === 1, 'the file in the new directory');
  writeFileSync(file, content('error'));
  await poll(() => seen.includes('error'), 'a change in the new directory');
});

it('a file that is gone is told to the log once, and that it is back once', async () => {
  const { root, file } = volume();
  const said: string[] = [];
  const say = (_fields: object, message: string): void => void said.push(message);
  const watcher = watchConfig(file, {
    onChange() {},
    env: {},
    intervalMs: 20,
    logger: { ...silentLogger, warn: say, info: say },
  });
  onTestFinished(() => watcher.close());
  const gone = 'the configuration file cannot be read; the running configuration stays';
  const back = 'the configuration file is back';
  for (let n = 1; n <= 2; n++) {
    renameSync(file, join(root, 'aside'));
    await poll(() => said.length === 2 * n - 1, gone);
    await pause(100);
    renameSync(join(root, 'aside'), file);
    await poll(() => said.length === 2 * n, back);
  }
  expect(said).toEqual([gone, back, gone, back]);
});
