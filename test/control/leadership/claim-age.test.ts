/** How long a claim is good, whatever timers have run, and which leaders are known to be silent (SPEC 3, Leadership). */
import { afterEach, expect, it } from 'vitest';
import { A, B, claimant, config, follower, probedBackend, twoPods, type World, world } from '../harness.ts';

/** D of `probedBackend`: period × failureThreshold + timeout. */
const D_MS = 2500;

let w: World;
afterEach(() => w.plane.close());

const leadership = () => w.backend().leadership;
const idOf = (name: string): number => w.pod(name).id;
const isOver = (name: string): boolean => w.plane.isOver('db', idOf(name), w.clock.nowMs());

it('a claim is over D after it was shown last, before any timer has run and any snapshot says so', async () => {
  w = await twoPods(world());
  await w.run(1500);
  expect(isOver('db-0')).toBe(false);
  w.clock.skip(D_MS);
  expect(leadership().state).toBe('known');
  expect(isOver('db-0')).toBe(true);
  expect(w.plane.isOver('by another name', idOf('db-0'), w.clock.nowMs())).toBe(true);
  expect(w.plane.isOver('db', 12_345, w.clock.nowMs())).toBe(false);
  await w.run(50);
  expect(isOver('db-0')).toBe(false);
});

it('after a stall no snapshot says so either, although the claim’s own timer is late', async () => {
  w = await twoPods(world());
  w.stall(D_MS + 100);
  expect(leadership()).toMatchObject({ state: 'none', leader: null });
  await w.run(50);
  expect(leadership().state).toBe('known');
});

it('what names the leader without a probe has no such bound', async () => {
  const leader = {
    source: { type: 'Ordinal' as const, ordinal: 0 },
    onConflict: 'Refuse' as const,
    learn: [],
  };
  w = await twoPods(world(config([{ ...probedBackend(), leader }])));
  w.clock.skip(60_000);
  expect(isOver('db-0')).toBe(false);
});

it('a leader that falls silent is known to be so until it is heard, also while another leads', async () => {
  w = await twoPods(world());
  const silent = idOf('db-0');
  w.pods.set(A, claimant({ leader: 'timeout' }));
  await w.run(D_MS + 600);
  expect(leadership()).toMatchObject({ state: 'none', silent: [silent] });
  w.pods.set(B, claimant());
  await w.run(300);
  expect(leadership()).toMatchObject({ state: 'known', leader: { name: 'db-1' }, silent: [silent] });
  w.pods.set(A, follower());
  await w.run(1500);
  expect(leadership().silent).toBeUndefined();
});

it('a leader that says that it does not lead is not silent', async () => {
  w = await twoPods(world());
  w.pods.set(A, follower());
  w.pods.set(B, claimant());
  await w.run(1500);
  expect(leadership().leader?.name).toBe('db-1');
  expect(leadership().silent).toBeUndefined();
});
