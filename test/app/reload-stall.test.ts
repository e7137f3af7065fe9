/**
 * SPEC 6, promise 9: a reload of 1,000 rules does not hold the event loop of the built program up. Measured in CPU time of its
 * main thread, which other work on the machine does not change as it does a delay.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { expect, it } from 'vitest';
import { stringify } from 'yaml';
import { manyRules, ruleLines } from '../control/config/many-rules.ts';
import { mainThreadCpuMs } from '../helpers/thread-cpu.ts';
import { listener, type Scope, sidecar, stage } from './support/stage.ts';

/** CPU time of a parse in a process of its own, whose code is as cold as the sidecar's, in ms. */
function coldParseMs(scope: Scope, text: string): number {
  const folder = mkdtempSync(join(tmpdir(), 'headroute-stall-'));
  scope.onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const outfile = join(folder, 'parse.cjs');
  buildSync({
    stdin: {
      contents: `
        import { readFileSync } from 'node:fs';
        import { parseConfig } from './src/control/config/parse.ts';
        import { mainThreadCpuMs } from './test/helpers/thread-cpu.ts';
        const text = readFileSync(0, 'utf8');
        const before = mainThreadCpuMs();
        const { ok } = parseConfig(text, 'f', {});
        console.log(ok ? mainThreadCpuMs() - before : 'invalid');`,
      resolveDir: process.cwd(),
    },
    outfile,
    bundle: true,
    platform: 'node',
  });
  return Number(execFileSync(process.execPath, [outfile], { input: text }).toString());
}

it.runIf(process.platform === 'linux').for(['PathPrefix', 'RegularExpression'])(
  '1,000 rules by %s, all of them changed: all that the reload does on the main thread costs less than half of the parse',
  async (type, test) => {
    const scene = await stage(test);
    const document = (mark: string): string =>
      stringify(scene.document({ listeners: [listener({ rules: '@' })] })).replace(
        / *rules: "@"\n/,
        () => `    rules:\n${ruleLines(1000, mark, type)}`,
      );
    const running = await sidecar(test, document('a'));
    await running.pods(2);
    const parseMs = coldParseMs(test, manyRules(1000, 'x'));
    const before = mainThreadCpuMs(running.pid);
    running.write(document('b'));
    await running.log('the changed configuration is in force');
    // The first request uses what the reload made.
    await (await fetch(`${running.url}/exact-7`)).text();
    expect(mainThreadCpuMs(running.pid) - before).toBeLessThan(parseMs / 2);
    expect(running.count('a thread could not parse')).toBe(0);
  },
);
