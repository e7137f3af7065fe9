/** How quickly a leader is found while there is none (SPEC 3, Leadership; `leader.probe.searchPeriod`). */
import { afterEach, describe, expect, it } from 'vitest';
import type { LeaderProbeSource } from '../../../src/model/config.ts';
import { backendConfig } from '../../helpers/config.ts';
import {
  A,
  B,
  claimant,
  config,
  follower,
  member,
  probedBackend,
  twoPods,
  type World,
  world,
} from '../harness.ts';

let w: World;
afterEach(() => w.plane.close());

const probed = (part: Partial<LeaderProbeSource> = {}, random = () => 0): World =>
  world(config([probedBackend(part)]), random);
const leads = (): string | null => w.backend().leadership.leader?.name ?? null;
const HANGS = { leader: 'timeout', health: 'success' } as const;

/** How long it takes until a Pod leads that begins to claim now. */
async function foundAfterMs(address: string, name: string): Promise<number> {
  const sinceMs = w.clock.nowMs();
  w.pods.set(address, claimant());
  while (leads() !== name && w.clock.nowMs() - sinceMs < 5000) await w.run(5);
  expect(leads()).toBe(name);
  return w.clock.nowMs() - sinceMs;
}

/** Milliseconds from one leader probe of a Pod to the next, over the given time. */
async function gapsMs(address: string, forMs: number): Promise<number[]> {
  w.probes.length = 0;
  await w.run(forMs);
  const times = w.probes.filter(({ what }) => what === `leader ${address}`).map(({ atMs }) => atMs);
  return times.slice(1).map((atMs, i) => atMs - times[i]!);
}

/** Kills the leader db-0; its data connection tells. */
async function kill(): Promise<void> {
  w.pods.set(A, { health: 'refused', leader: 'refused', delayMs: 0 });
  w.plane.report({ kind: 'failed', podId: w.pod('db-0').id, reason: 'reset' });
  await w.run(1100);
  expect(leads()).toBeNull();
}

describe('a leader is killed, its successor claims T ms later', () => {
  it.each([0, 130, 460, 990, 2500, 8000])(
    'T = %i: known within searchPeriod and an answer',
    async (afterMs) => {
      w = await twoPods(probed());
      await kill();
      await w.run(afterMs);
      expect(await foundAfterMs(B, 'db-1')).toBeLessThanOrEqual(100 + 1 + 5);
    },
  );

  it.each([0.3, 0.99])('no later with jitter (%d)', async (jitter) => {
    w = await twoPods(probed({}, () => jitter));
    await kill();
    await w.run(430);
    expect(await foundAfterMs(B, 'db-1')).toBeLessThanOrEqual(100 + 1 + 5);
  });

  it('searchPeriod says how quickly', async () => {
    w = await twoPods(probed({ searchPeriodMs: 20 }));
    await kill();
    await w.run(433);
    expect(await foundAfterMs(B, 'db-1')).toBeLessThanOrEqual(20 + 1 + 5);
  });

  it('a Pod whose probes hang holds nobody back', async () => {
    w = await twoPods(probed());
    w.pods.set('10.0.0.3', follower(HANGS));
    w.members([member('db-0', A), member('db-1', B), member('db-2', '10.0.0.3')]);
    await w.run(20);
    await kill();
    await w.run(333);
    expect(await foundAfterMs(B, 'db-1')).toBeLessThanOrEqual(100 + 1 + 5);
  });

  it('once a leader is known the Pods are asked as seldom as before', async () => {
    w = await twoPods(probed());
    await kill();
    await foundAfterMs(B, 'db-1');
    await w.run(1000);
    expect(Math.min(...(await gapsMs(B, 5000)))).toBeGreaterThanOrEqual(1000);
  });
});

it('two that claim are looked at as quickly: it ends with the first that stops', async () => {
  w = await twoPods(probed());
  w.pods.set(B, claimant());
  await w.run(1100);
  expect(w.backend().leadership.state).toBe('conflict');
  await w.run(3030);
  w.pods.set(A, follower());
  await w.run(100 + 10);
  expect(leads()).toBe('db-1');
});

it('the claimant that is not ready is asked for its health as quickly, and leads once it is', async () => {
  w = await twoPods(probed(), claimant({ health: 'failure' }));
  await w.run(3030);
  expect(w.backend().leadership.reason).toBe('db-0 claims but is unready');
  expect(await foundAfterMs(A, 'db-0')).toBeLessThanOrEqual(100 + 1 + 5);
});

it('a leader by ordinal that comes back is found ready as quickly', async () => {
  const leader = { source: { type: 'Ordinal', ordinal: 0 }, onConflict: 'Refuse', learn: [] } as const;
  w = await twoPods(world(config([backendConfig({ leader })])));
  w.pods.set(A, follower({ health: 'refused' }));
  await w.run(9030);
  expect(leads()).toBeNull();
  expect(await foundAfterMs(A, 'db-0')).toBeLessThanOrEqual(100 + 1 + 5);
});

it('sidecars that lost their leader together look at different times', async () => {
  const firstLookMs = async (random: () => number): Promise<number> => {
    w = await twoPods(probed({}, random));
    await w.run(500);
    w.pods.set(A, follower());
    w.plane.report({ kind: 'failed', podId: w.pod('db-0').id, reason: 'reset' });
    // The round on evidence, the one because the leader is lost, and one of the search.
    await w.run(250);
    w.probes.length = 0;
    await w.run(150);
    w.plane.close();
    return w.probes.find(({ what }) => what === `leader ${B}`)!.atMs;
  };
  const times = [await firstLookMs(() => 0), await firstLookMs(() => 0.4), await firstLookMs(() => 0.8)];
  const apart = [times[0]! - times[1]!, times[1]! - times[2]!, times[0]! - times[2]!].map(Math.abs);
  expect(Math.min(...apart)).toBeGreaterThanOrEqual(5);
});

describe('a search that finds nobody', () => {
  it('slows down to the period within 30 s', async () => {
    w = await twoPods(probed(), follower());
    expect(Math.max(...(await gapsMs(A, 8000)))).toBeLessThanOrEqual(105);
    await w.run(14_000);
    expect(Math.max(...(await gapsMs(A, 3000)))).toBeLessThan(900);
    await w.run(6000);
    expect(Math.min(...(await gapsMs(A, 10_000)))).toBeGreaterThan(990);
  });

  it.each<[string, () => void]>([
    ['a request begins to wait', () => w.plane.report({ kind: 'held', backend: 'db' })],
    [
      'a Pod says by an answer that it does not lead',
      () => w.plane.report({ kind: 'not_leader', podId: w.pod('db-1').id, hint: null }),
    ],
  ])('is quick again once %s', async (_, happens) => {
    w = await twoPods(probed(), follower());
    await w.run(40_300);
    happens();
    await w.run(433);
    expect(await foundAfterMs(B, 'db-1')).toBeLessThanOrEqual(100 + 1 + 5);
  });

  it('is quick at once for the one that waits, not a period later', async () => {
    w = await twoPods(probed(), follower());
    await w.run(40_300);
    w.plane.report({ kind: 'held', backend: 'db' });
    expect(await foundAfterMs(B, 'db-1')).toBeLessThanOrEqual(100 + 1 + 5);
  });

  it('stays slow through a reload of whom and how is asked', async () => {
    w = await twoPods(probed(), follower());
    await w.run(40_000);
    w.plane.apply(config([probedBackend({ successThreshold: 2 })]), 'second');
    await w.run(2000);
    expect(Math.min(...(await gapsMs(A, 10_000)))).toBeGreaterThanOrEqual(1000);
  });

  it('asks a thousand Pods no quicker than once a second', async () => {
    w = probed({ periodMs: 5000 });
    const names = Array.from({ length: 1000 }, (_, n) => [`db-${n}`, `10.0.${n >> 8}.${n & 255}`] as const);
    for (const [, address] of names) w.pods.set(address, follower());
    w.members(names.map(([name, address]) => member(name, address)));
    await w.run(3000);
    w.probes.length = 0;
    await w.run(3000);
    expect(w.probes.filter(({ what }) => what.startsWith('leader')).length).toBeLessThanOrEqual(3100);
  });
});

it('a request that waits while a leader is known makes nobody ask more', async () => {
  w = await twoPods(probed());
  await w.run(1500);
  w.probes.length = 0;
  for (let n = 0; n < 20; n++) {
    w.plane.report({ kind: 'held', backend: 'db' });
    await w.run(50);
  }
  expect(w.probes.filter(({ what }) => what === `leader ${A}`).length).toBeLessThanOrEqual(1);
});
