/**
 * 1,000 Pods that are replaced or leave together: no turn of the event loop may take long for it (SPEC 6, promise 9; it took
 * 127 to 264 ms). How long it takes on a quiet machine is measured by bench/departure.mjs.
 */
import { afterEach, expect, it } from 'vitest';
import type { Member } from '../../src/control/discovery/contract.ts';
import { UpstreamPools } from '../../src/data/forward/upstream-pools.ts';
import { systemDialer } from '../../src/platform/dialer.ts';
import { LocalErrorLog } from '../../src/platform/local-error.ts';
import { silentLogger } from '../../src/platform/logger.ts';
import { TurnEnd } from '../../src/platform/turn-end.ts';
import { mainThreadCpuMs } from '../helpers/thread-cpu.ts';
import { config, follower, member, probedBackend, type World, world } from './harness.ts';

let w: World;
afterEach(() => w.plane.close());

const generation = (net: number) =>
  Array.from({ length: 1000 }, (_, i) => member(`db-${i}`, `10.${net}.${i >> 8}.${i & 255}`));

/** The CPU time of the longest turn until only `members` are left. */
async function longestTurnMs(members: readonly Member[]): Promise<number> {
  const addresses = (): string =>
    String(
      w
        .backend()
        .pods.map((pod) => pod.addresses[0])
        .sort(),
    );
  const wanted = String(members.map((one) => one.addresses[0]).sort());
  let longest = 0;
  let before = mainThreadCpuMs();
  w.members(members);
  do {
    const now = mainThreadCpuMs();
    longest = Math.max(longest, now - before);
    // What this test itself does between two turns is left out.
    before = mainThreadCpuMs();
    await new Promise((resolve) => setImmediate(resolve));
  } while (addresses() !== wanted);
  return longest;
}

async function allReady(): Promise<void> {
  for (let n = 0; n < 20 && w.backend().ready.length < 1000; n++) await w.run(1000);
  expect(w.backend().ready).toHaveLength(1000);
}

it('1,000 Pods that had requests leave, and are replaced, in turns that do not grow with the square of their number', async () => {
  w = world(config([probedBackend()]));
  const logger = silentLogger;
  const localErrors = new LocalErrorLog(logger);
  const pools = new UpstreamPools(w.cell, {
    metrics: w.metrics,
    outcomes: w.plane,
    logger,
    localErrors,
    turn: new TurnEnd(),
    dialer: systemDialer,
  });
  const serve = (): void => {
    for (const pod of w.backend().ready)
      for (const result of ['ok', 'reset', 'timeout']) pools.of('db', pod).result(result);
  };
  for (const net of [1, 2, 3])
    for (const { addresses } of generation(net)) w.pods.set(addresses[0]!, follower());
  w.members(generation(1));
  await allReady();
  serve();
  const replaced = await longestTurnMs(generation(2));
  await allReady();
  serve();
  const left = await longestTurnMs(generation(2).slice(0, 1));
  await w.run(100);
  expect(w.backend().pods).toHaveLength(1);
  expect([...w.metrics.upstreamRequests.cells()]).toHaveLength(3);
  pools.close();
  expect(Math.max(replaced, left)).toBeLessThan(60);
});
