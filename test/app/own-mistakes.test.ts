/** What is thrown past every guard of the built program leaves it serving, and is told (docs/adr/0008). */
import { expect, it } from 'vitest';
import { sidecar, stage } from './support/stage.ts';

/** Loaded before the program: on SIGUSR2 a timer throws, and a promise that nobody looks after is rejected. */
const PLANT = `process.on("SIGUSR2", () => {
  setTimeout(() => { throw new Error("planted in a timer") }, 0);
  Promise.reject(new Error("planted in a promise"));
})`;

it('an exception that nobody guarded and a rejection that nobody handled: counted, logged, and it serves on', async (test) => {
  const scene = await stage(test);
  const NODE_OPTIONS = `--import=data:text/javascript,${encodeURIComponent(PLANT)}`;
  const running = await sidecar(test, scene.document(), { env: { NODE_OPTIONS } });
  await running.pods(2);
  expect(await running.metric('headroute_internal_errors_total', { where: 'unknown' })).toBe(0);
  running.signal('SIGUSR2');
  const line = await running.log('internal error');
  expect(line).toMatchObject({ level: 'error', where: 'unknown' });
  expect((line.err as { stack: string }).stack).toContain('planted in a promise');
  await running.until(
    async () => (await running.metric('headroute_internal_errors_total', { where: 'unknown' })) === 2,
    'both to be counted',
  );
  expect((await fetch(running.url)).status).toBe(200);
  running.signal('SIGTERM');
  expect(await running.exited(4000)).toEqual({ status: 0, signal: null });
});
