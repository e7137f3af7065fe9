/** Pods whose end of requests is never told are not kept for ever. */
import { afterEach, expect, it } from 'vitest';
import { backendConfig } from '../helpers/config.ts';
import { config, member, type World, world } from './harness.ts';

let w: World;
afterEach(() => w.plane.close());

it('of 1,100 Pods that left and were never told to be drained the last 1,000 are kept, their series too', async () => {
  w = world(config([backendConfig()]));
  for (let n = 0; n <= 1100; n++) {
    w.members([member(`db-${n}`, `10.1.${n >> 8}.${n & 255}`)]);
    await w.run(0);
  }
  await w.run(20);
  const names = w.backend().pods.map(({ name }) => name);
  expect([names.length, names[0], names.at(-1)]).toEqual([1001, 'db-100', 'db-1100']);
  const labels = new Set([...w.metrics.probes.cells()].map(({ labels: [, pod] }) => pod));
  expect([labels.has('db-99'), labels.has('db-100')]).toEqual([false, true]);
});
