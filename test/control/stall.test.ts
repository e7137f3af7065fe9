/**
 * A sidecar that stood still (stopped, starved, busy) does not believe what it knew of its Pods before (SPEC 3, Health): each is
 * asked again before it gets anything new, and its first answer decides.
 */
import { afterEach, expect, it } from 'vitest';
import { Pulse } from '../../src/platform/pulse.ts';
import { A, B, claimant, config, follower, probedBackend, twoPods, type World, world } from './harness.ts';

let w: World;
afterEach(() => w.plane.close());

it('readiness of before a stall is not believed; the first answer decides, whatever the thresholds', async () => {
  w = await twoPods(world(config([probedBackend()])), claimant({ delayMs: 50 }), follower({ delayMs: 50 }));
  await w.run(200);
  w.pods.set(B, follower({ health: 'failure', delayMs: 50 }));
  w.stall(5000);
  expect(w.backend().stale).toBe(true);
  expect(w.backend().ready).toEqual([]);
  expect(w.pod('db-0').reason).toContain('stood still for 5.0 s');
  await w.run(30);
  expect(w.backend().ready).toEqual([]);
  await w.run(60);
  expect(w.pod('db-0').state).toBe('ready');
  expect(w.pod('db-1')).toMatchObject({ state: 'unready', reason: 'failure' });
  expect(w.backend().stale).toBeUndefined();
});

it('an answer to a probe that was under way before the stall is no answer', async () => {
  w = await twoPods(world(config([probedBackend()])), claimant(), follower({ delayMs: 900 }));
  await w.run(2100);
  w.pods.set(B, follower({ health: 'refused' }));
  w.stall(5000);
  // What it says now was asked before.
  await w.run(10);
  expect(w.pod('db-1').state).toBe('unready');
  await w.run(50);
  expect(w.pod('db-1')).toMatchObject({ state: 'unready', reason: 'refused' });
});

it('a stall that is no longer than the age that readiness may have anyway changes nothing', async () => {
  w = await twoPods(world(config([probedBackend()])));
  const before = w.backend();
  w.stall(700);
  expect(w.backend().ready).toEqual(before.ready);
});

it('a leader that is only asked again keeps its role, so that connections to it stay', async () => {
  const ordinal = {
    source: { type: 'Ordinal' as const, ordinal: 0 },
    onConflict: 'Refuse' as const,
    learn: [],
  };
  w = await twoPods(world(config([{ ...probedBackend(), leader: ordinal }])));
  w.pods.set(A, claimant({ health: 'refused' }));
  w.stall(5000);
  expect(w.backend().leadership).toMatchObject({
    state: 'known',
    leader: { name: 'db-0', state: 'unready', stale: true },
  });
  await w.run(50);
  expect(w.backend().leadership.state).toBe('none');
});

it('Pulse tells of a stall when its beat comes late, or by whoever asks first', () => {
  const timers: (() => void)[] = [];
  let nowMs = 0;
  const pulse = new Pulse({
    nowMs: () => nowMs,
    wallMs: () => 0,
    after: (_delayMs, run) => {
      timers.push(run);
      return { clear() {} };
    },
  });
  const told: number[] = [];
  const end = pulse.subscribe((stalledMs) => told.push(stalledMs));
  nowMs = 150;
  timers.shift()!();
  expect(told).toEqual([]);
  nowMs = 3250;
  pulse.check(nowMs);
  expect(told).toEqual([3000]);
  pulse.check(nowMs + 1);
  timers.shift()!();
  expect(told).toEqual([3000]);
  nowMs = 4350;
  timers.shift()!();
  expect(told).toEqual([3000, 1000]);
  end();
  nowMs = 9000;
  timers.shift()!();
  expect(told).toHaveLength(2);
});
