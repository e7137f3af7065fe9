import { afterEach, expect, it } from 'vitest';
import { UpstreamPools } from '../../src/data/forward/upstream-pools.ts';
import { createLogger } from '../../src/observe/logger.ts';
import { silentLogger } from '../../src/platform/logger.ts';
import { threadCpuMs } from '../helpers/thread-cpu.ts';
import { config, follower, member, probedBackend, type World, world } from './harness.ts';

let w: World;
afterEach(() => w.plane.close());

it('x', async () => {
  w = world(config([probedBackend()]));
  const logger = silentLogger;
  const pools = new UpstreamPools(w.cell, w.metrics, w.plane, logger);
  const members = (net: number) =>
    Array.from({ length: 1000 }, (_, i) => member(`db-${i}`, `10.${net}.${i >> 8}.${i & 255}`));
  for (let net = 1; net < 5; net++) {
    for (const { addresses } of members(net)) w.pods.set(addresses[0]!, follower());
    const t0 = threadCpuMs();
    w.members(members(net));
    const t1 = threadCpuMs();
    await new Promise((r) => setImmediate(r));
    const t2 = threadCpuMs();
    await new Promise((r) => setImmediate(r));
    const t3 = threadCpuMs();
    console.log('members', t1 - t0, 'flush', t2 - t1, t3 - t2);
    await w.run(3000);
    for (const pod of w.backend().pods) pools.of('db', pod);
  }
  const t0 = threadCpuMs();
  w.members(members(4).slice(0, 1));
  const t1 = threadCpuMs();
  await new Promise((r) => setImmediate(r));
  const t2 = threadCpuMs();
    await new Promise((r) => setImmediate(r));
    const t3 = threadCpuMs();
  console.log('leave: members', t1 - t0, 'flush', t2 - t1, t3-t2);
  expect(1).toBe(1);
});
