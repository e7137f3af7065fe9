/** When probes begin, in virtual time. */
import { afterEach, describe, expect, it } from 'vitest';
import { Launcher } from '../../../src/control/probe/launcher.ts';
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
afterEach(() => w?.plane.close());

const plain = (random = () => 0): World => world(config([backendConfig()]), random);
const starts = (what: string): number[] =>
  w.probes.filter((probe) => probe.what === what).map(({ atMs }) => atMs);
const gaps = (what: string): number[] => {
  const at = starts(what);
  return at.slice(1).map((time, i) => Math.round(time - at[i]!));
};

describe('a period', () => {
  it.each([
    // The first is spread over nine tenths of a period, later ones over one tenth; jitter only ever shortens.
    [0, [2000, 2000, 2000]],
    [0.5, [1100, 1900, 1900]],
    [0.999, [202, 1800, 1800]],
  ])('with %d of its jitter: gaps of %j ms', async (random, expected) => {
    w = plain(() => random);
    w.pods.set(A, follower());
    w.members([member('db-0', A)]);
    await w.run(8500);
    expect(gaps(`health ${A}`).slice(0, 3)).toEqual(expected);
  });

  it('counts from the start of a probe, however long its answer takes', async () => {
    w = plain();
    w.pods.set(A, follower({ delayMs: 700 }));
    w.members([member('db-0', A)]);
    await w.run(6500);
    expect(starts(`health ${A}`)).toEqual([0, 2000, 4000, 6000]);
  });

  it('a probe that is slower than it is followed by the next at once, never by two', async () => {
    w = world(config([probedBackend({ periodMs: 300, timeoutMs: 5000 })]));
    await twoPods(w, follower({ delayMs: 700 }), follower());
    await w.run(3000);
    expect(gaps(`leader ${A}`).slice(0, 3)).toEqual([700, 700, 700]);
  });
});

describe('refusals', () => {
  it('a Pod that refuses its probes is out after failureThreshold of them, a tenth of a second apart', async () => {
    w = await twoPods(plain());
    await w.run(1000);
    w.pods.set(A, follower({ health: 'refused' }));
    w.probes.length = 0;
    await w.run(1500);
    expect(w.pod('db-0').state).toBe('unready');
    expect(starts(`health ${A}`)).toHaveLength(3);
  });

  it('a Pod that is out is asked once a period, though it refuses', async () => {
    w = await twoPods(plain(), follower({ health: 'refused' }));
    await w.run(1000);
    w.probes.length = 0;
    await w.run(20_000);
    expect(w.pod('db-0').state).toBe('unready');
    expect(starts(`health ${A}`)).toHaveLength(10);
  });
});

describe('evidence', () => {
  it('asks for probes that begin from now on: one under way is not enough', async () => {
    w = world(config([probedBackend({ periodMs: 1000 })]));
    await twoPods(w, claimant(), follower({ delayMs: 300 }));
    await w.run(500);
    const seen = starts(`leader ${B}`).length;
    for (let ms = 0; ms < 3000 && starts(`leader ${B}`).length === seen; ms += 5) await w.run(5);
    expect(w.clock.nowMs() - starts(`leader ${B}`).at(-1)!).toBeLessThan(10);
    const { revision } = w.backend().leadership;
    w.plane.report({ kind: 'leader_closed', podId: w.pod('db-0').id });
    await w.run(320);
    // The probe of before has ended by now.
    expect(w.backend().leadership.revision).toBe(revision);
    await w.run(320);
    expect(w.backend().leadership.revision).toBe(revision + 1);
  });
});

it('a burst of probes begins a few in each turn of the event loop, in order', async () => {
  const launcher = new Launcher();
  const begun: number[] = [];
  for (let n = 0; n < 10; n++) launcher.launch(() => begun.push(n));
  const counts = [begun.length];
  while (begun.length < 10) {
    await new Promise((resolve) => setImmediate(resolve));
    counts.push(begun.length);
  }
  expect(counts.filter((count, i) => count !== counts[i - 1])).toEqual([4, 8, 10]);
  expect(begun).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});
