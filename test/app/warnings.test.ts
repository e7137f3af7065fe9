/** What is valid and hardly meant is logged once, at the start and with each reload that takes effect (SPEC 1). */
import { expect, it } from 'vitest';
import { type Document, listener, sidecar, stage } from './support/stage.ts';

const MEANT = 'the configuration is valid, but hardly does what is meant';

it('a start and a reload log their warnings at warn, with place and path; a refused one counts equal problems', async (test) => {
  const scene = await stage(test);
  const withUnused = (name: string): Document => {
    const document = scene.document({
      listeners: [listener({ rules: [{ backendRefs: [{ name: 'db' }] }] })],
    });
    const [db] = document.backends as Document[];
    return { ...document, backends: [db!, { ...db!, name }] };
  };
  const running = await sidecar(test, withUnused('idle'));
  expect(await running.log(MEANT)).toMatchObject({
    level: 'warn',
    warnings: [
      expect.stringMatching(/headroute\.yaml:\d+:\d+: warning: backends\[1\]: no rule sends to idle/),
    ],
  });
  running.write(withUnused('spare'));
  expect(await running.log(MEANT, 2)).toMatchObject({
    warnings: [expect.stringContaining('no rule sends to spare')],
  });
  const rules = Array.from({ length: 1000 }, (_, n) => ({
    matches: [{ path: { value: `/${n}` } }],
    backendRefs: [{ name: 'db' }],
    retry: { attempts: -1 },
  }));
  running.write(scene.document({ listeners: [listener({ rules })] }));
  const refused = await running.log('the changed configuration is invalid');
  expect(refused.problems).toEqual([expect.stringMatching(/retry\.attempts: .* \(and 999 more like it/)]);
  expect(running.count(MEANT)).toBe(2);
});
