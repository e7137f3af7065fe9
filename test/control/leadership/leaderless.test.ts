/** `headroute_leaderless_seconds_total`: exact to the moment a leader is known, and to the moment it is lost. */
import { afterEach, expect, it } from 'vitest';
import { A, B, claimant, config, follower, probedBackend, twoPods, type World, world } from '../harness.ts';

let w: World;
afterEach(() => w.plane.close());

const seconds = (): number => w.metrics.leaderlessSeconds.with('db').value;

/** Moves on until leadership is in this state. @returns the virtual time at which it was published, in ms */
async function until(state: string, withinMs = 5000): Promise<number> {
  let atMs = -1;
  const off = w.cell.subscribe(() => {
    if (atMs < 0 && w.backend().leadership.state === state) atMs = w.clock.nowMs();
  });
  for (let waited = 0; atMs < 0 && waited < withinMs; waited += 5) await w.run(5);
  off();
  expect(w.backend().leadership.state).toBe(state);
  return atMs;
}

/** A period that is no multiple of the second in which the metric is brought up to date. */
const periodMs = 730;

it.each([
  ['nobody claims', follower(), 'none'],
  ['two claim', claimant(), 'conflict'],
] as const)('counts while %s, and stops with the leader, not with the next tick', async (_, other, state) => {
  w = await twoPods(world(config([probedBackend({ periodMs })])), follower(), follower());
  await w.run(1400);
  w.pods.set(A, claimant());
  const firstMs = await until('known');
  expect(seconds()).toBeCloseTo(firstMs / 1000, 6);
  await w.run(3300);
  expect(seconds()).toBeCloseTo(firstMs / 1000, 6);

  w.pods.set(A, state === 'none' ? follower() : claimant());
  w.pods.set(B, other);
  const lostMs = await until(state);
  expect(seconds()).toBeCloseTo(firstMs / 1000, 6);
  await w.run(2600);
  w.pods.set(A, claimant());
  w.pods.set(B, follower());
  const againMs = await until('known');
  expect(againMs - lostMs).toBeGreaterThan(2600);
  expect(seconds()).toBeCloseTo((firstMs + againMs - lostMs) / 1000, 6);
  await w.run(2000);
  expect(seconds()).toBeCloseTo((firstMs + againMs - lostMs) / 1000, 6);
});

it('grows while nobody leads, for those who look before it is over', async () => {
  w = await twoPods(world(config([probedBackend({ periodMs })])), follower(), follower());
  for (let n = 1; n <= 5; n++) {
    await w.run(1000);
    expect(seconds()).toBeGreaterThanOrEqual(n - 0.1);
    expect(seconds()).toBeLessThanOrEqual(w.clock.nowMs() / 1000);
  }
});

it('another leader without a gap counts nothing', async () => {
  const { leader, ...backend } = probedBackend({ periodMs, term: { json: '/term' } });
  w = world(config([{ ...backend, leader: { ...leader!, onConflict: 'HighestTerm' } }]));
  await twoPods(w, claimant({ term: '1' }));
  const before = seconds();
  w.pods.set(B, claimant({ term: '2' }));
  await w.run(2000);
  expect(w.backend().leadership.leader?.name).toBe('db-1');
  expect(seconds()).toBe(before);
});

it('a reload of the leader source while nobody leads loses none of the time', async () => {
  w = await twoPods(world(config([probedBackend({ periodMs })])), follower(), follower());
  await w.run(1400);
  w.plane.apply(config([probedBackend({ periodMs: 810 })]), 'second');
  await w.run(1430);
  w.pods.set(A, claimant());
  const knownMs = await until('known');
  expect(seconds()).toBeCloseTo(knownMs / 1000, 6);
});
