/**
 * SPEC 6, promise 9: a reload of 1,000 rules does not hold the event loop of the built program up. Measured in CPU time of its
 * main thread, which other work on the machine does not change as it does a delay.
 */
import { expect, it } from 'vitest';
import { stringify } from 'yaml';
import { parseConfig } from '../../src/control/config/parse.ts';
import { manyRules, ruleLines } from '../control/config/many-rules.ts';
import { mainThreadCpuMs } from '../helpers/thread-cpu.ts';
import { listener, sidecar, stage } from './support/stage.ts';

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
    // The same parse in this process, whose code is as cold.
    const text = manyRules(1000, 'x');
    const beforeParse = mainThreadCpuMs();
    expect(parseConfig(text, 'f', {})).toMatchObject({ ok: true });
    const parseMs = mainThreadCpuMs() - beforeParse;
    const before = mainThreadCpuMs(running.pid);
    running.write(document('b'));
    await running.log('the changed configuration is in force');
    // The first request uses what the reload made.
    await (await fetch(`${running.url}/exact-7`)).text();
    expect(mainThreadCpuMs(running.pid) - before).toBeLessThan(parseMs / 2);
    expect(running.count('a thread could not parse')).toBe(0);
  },
);
