/** A reload must not hold the event loop up (SPEC 6, promise 9): large texts are parsed by a thread of the built program. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildSync } from 'esbuild';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type ParseResult, parseConfig } from '../../../src/control/config/parse.ts';
import { parseAside } from '../../../src/control/config/watching/parse-thread.ts';
import { watchConfig } from '../../../src/control/config/watching/watch.ts';
import { silentLogger } from '../../../src/platform/logger.ts';
import { version } from '../../../src/platform/version.ts';
import { mainThreadCpuMs } from '../../helpers/thread-cpu.ts';
import { pause, poll } from '../../helpers/waiting.ts';
import { manyRules } from './many-rules.ts';

const SOURCE = `import { parentPort, workerData } from 'node:worker_threads';`;

function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'headroute-parse-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A program that does this instead of parsing. */
function program(text: string): URL {
  const file = join(scratch(), 'program.mjs');
  writeFileSync(file, text);
  return pathToFileURL(file);
}

describe('parseAside', () => {
  it('without a built program, or for a small text, parses here', async () => {
    const text = manyRules(80, 'a');
    expect(await parseAside(text, 'f', {}, null)).toEqual(parseConfig(text, 'f', {}));
    const small = manyRules(3, 'a');
    const nowhere = pathToFileURL('/nowhere/headroute.js');
    expect(await parseAside(small, 'f', {}, nowhere)).toEqual(parseConfig(small, 'f', {}));
  });

  it.each([
    ['a program that is gone', () => pathToFileURL('/nowhere/headroute.js'), /Cannot find module/],
    ['a thread that fails', () => program('throw new Error("no memory")'), /no memory/],
    ['a thread that ends without an answer', () => program(SOURCE), /ended early/],
    [
      'a thread that ends half-way',
      () => program(`${SOURCE} workerData.port.postMessage({ type: 'problems', problems: [] });`),
      /ended early/,
    ],
  ])('%s is an error', async (_, make, message) => {
    await expect(parseAside(manyRules(80, 'a'), 'f', {}, make())).rejects.toThrow(message);
  });
});

describe('the thread', () => {
  /** As the build makes it, of these sources and their version. */
  function built(): URL {
    const outfile = join(scratch(), 'program.mjs');
    buildSync({
      stdin: {
        contents: `import { becameParseThread } from './src/control/config/watching/parse-thread.ts'; becameParseThread();`,
        resolveDir: process.cwd(),
      },
      outfile,
      bundle: true,
      platform: 'node',
      format: 'esm',
      banner: {
        js: "import { createRequire as r } from 'node:module'; const require = r(import.meta.url);",
      },
    });
    return pathToFileURL(outfile);
  }

  it('gives what parseConfig gives: a configuration with its environment and its hash, or every problem', async () => {
    const program = built();
    const text = `${manyRules(130, 'a')}log: { level: "\${LEVEL}" }\n`;
    const valid = await parseAside(text, 'f', { LEVEL: 'debug' }, program);
    expect(valid).toMatchObject({ ok: true, config: { log: { level: 'debug' } } });
    expect(valid).toStrictEqual(parseConfig(text, 'f', { LEVEL: 'debug' }));
    const invalid = await parseAside(text.replaceAll('/tenant-1', 'tenant-1'), 'f', {}, program);
    expect(invalid.ok).toBe(false);
    expect(invalid).toStrictEqual(parseConfig(text.replaceAll('/tenant-1', 'tenant-1'), 'f', {}));
  });

  // In CPU time of the main thread: a delay depends on what else the machine does.
  it.runIf(process.platform === 'linux')(
    'leaves the event loop free: 500 rules cost the main thread less than a quarter of the time that they take to parse',
    async () => {
      const program = built();
      const text = manyRules(500, 'a');
      const startedAt = mainThreadCpuMs();
      parseConfig(text, 'f', {});
      const parsedAt = mainThreadCpuMs();
      expect(await parseAside(text, 'f', {}, program)).toMatchObject({ ok: true });
      expect(mainThreadCpuMs() - parsedAt).toBeLessThan((parsedAt - startedAt) / 4);
    },
  );

  it('of another version of the program, put there under this one, is refused', async () => {
    expect(version).toBe('0.0.0-dev');
    const program = pathToFileURL(resolve('dist/headroute.js'));
    await expect(parseAside(manyRules(80, 'a'), 'f', {}, program)).rejects.toThrow(/the program is/);
  });
});

/** watchConfig over a file, with a parser that this test ends by hand. */
function watching() {
  const file = join(scratch(), 'headroute.yaml');
  const put = (mark: string): void => writeFileSync(file, manyRules(1, mark));
  put('a');
  const pending: { text: string; end: (error?: Error) => void }[] = [];
  const told: string[] = [];
  const watcher = watchConfig(file, {
    logger: silentLogger,
    env: {},
    intervalMs: 10,
    onChange: (result) => void told.push(markOf(result)),
    parse: (text, name, env) =>
      new Promise((done, fail) => {
        pending.push({ text, end: (error) => (error ? fail(error) : done(parseConfig(text, name, env))) });
      }),
  });
  onTestFinished(() => watcher.close());
  return { put, pending, told, watcher };
}

function markOf(result: ParseResult): string {
  if (!result.ok) return 'invalid';
  return result.config.listeners[0]!.rules[0]!.matches[0]!.path!.value.split('/').at(-1)!;
}

describe('watchConfig', () => {
  it('tells contents in order and each once, though a parse takes longer than the next change', async () => {
    const { put, pending, told } = watching();
    put('b');
    await poll(() => pending.length === 1, 'b');
    put('c');
    await pause(50);
    put('d');
    await pause(50);
    expect([pending.length, told]).toEqual([1, []]);
    pending[0]!.end();
    await poll(() => pending.length === 2, 'the next');
    pending[1]!.end();
    await poll(() => told.length === 2, 'both told');
    // c was replaced before its turn came.
    expect(told).toEqual(['b', 'd']);
  });

  it('a content that comes back while another is parsed is told again only if that one was told', async () => {
    const { put, pending, told } = watching();
    put('b');
    await poll(() => pending.length === 1, 'b');
    put('c');
    await pause(50);
    put('b');
    await pause(50);
    pending[0]!.end();
    await poll(() => told.length === 1, 'b told');
    put('a');
    await poll(() => pending.length === 2, 'a');
    pending[1]!.end();
    await poll(() => told.length === 2, 'a told');
    expect(told).toEqual(['b', 'a']);
  });

  it('parses here where the thread cannot, and tells nothing after close', async () => {
    const { put, pending, told, watcher } = watching();
    put('b');
    await poll(() => pending.length === 1, 'b');
    pending[0]!.end(new Error('no thread'));
    await poll(() => told.length === 1, 'b told');
    put('c');
    await poll(() => pending.length === 2, 'c');
    watcher.close();
    pending[1]!.end();
    await pause(30);
    expect(told).toEqual(['b']);
  });
});
