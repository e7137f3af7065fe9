/** Ejection by failed requests in a row (SPEC 2, `ejection`), in virtual time. */
import { afterEach, describe, expect, it } from 'vitest';
import { countFailure, type EjectionState, NOT_EJECTED } from '../../../src/control/health/ejection.ts';
import { backendConfig } from '../../helpers/config.ts';
import { A, B, config, follower, member, type World, world } from '../harness.ts';

const LIMITS = { consecutiveFailures: 3, baseTimeMs: 1000, maxPercent: 50 };
const names = ['db-0', 'db-1', 'db-2', 'db-3'];
const addresses = [A, B, '10.0.0.3', '10.0.0.4'];

let w: World;
afterEach(() => w?.plane.close());

async function start(count: number, part: Partial<typeof LIMITS> = {}): Promise<void> {
  w = world(config([backendConfig({ ejection: { ...LIMITS, ...part } })]));
  for (const address of addresses) w.pods.set(address, follower());
  w.members(names.slice(0, count).map((name, n) => member(name, addresses[n]!)));
  await w.run(20);
}

async function fails(name: string, times = 3, kind: 'failed' | 'connect_failed' = 'failed'): Promise<void> {
  for (let n = 0; n < times; n++) w.plane.report({ kind, podId: w.pod(name).id, reason: 'reset' });
  await w.run(5);
}

const states = (): string[] => w.backend().pods.map(({ state }) => state);

describe('ejection', () => {
  it.each([
    [1, 50, 0],
    [2, 50, 1],
    [3, 50, 1],
    [4, 50, 2],
    [3, 100, 3],
    [4, 10, 0],
  ])('of %i Pods with maxPercent %i at most %i at a time', async (count, maxPercent, most) => {
    await start(count, { maxPercent });
    for (const name of names.slice(0, count)) await fails(name);
    expect(states().filter((state) => state === 'ejected')).toHaveLength(most);
  });

  it('a refused connection is a failed request, too', async () => {
    await start(2);
    w.pods.set(A, follower());
    await fails('db-0', 3, 'connect_failed');
    expect(w.pod('db-0')).toMatchObject({
      state: 'ejected',
      reason: '3 requests failed in a row, the last: reset',
    });
  });

  it('a request that ends well meanwhile does not end it, nor does one that fails make it longer', async () => {
    await start(2);
    await fails('db-0');
    await w.run(500);
    w.plane.report({ kind: 'ok', podId: w.pod('db-0').id });
    await fails('db-0', 20);
    expect(w.pod('db-0').state).toBe('ejected');
    await w.run(480);
    expect(w.pod('db-0').state).toBe('ejected');
    await w.run(20);
    expect(w.pod('db-0').state).toBe('ready');
  });

  it('a Pod that was ejected when it left takes nobody’s place', async () => {
    await start(2);
    await fails('db-0');
    w.members([member('db-1', B), member('db-2', '10.0.0.3')]);
    await w.run(20);
    await fails('db-1');
    expect(w.pod('db-1').state).toBe('ejected');
  });
});

describe('how long', () => {
  const eject = (state: EjectionState, nowMs: number): EjectionState => {
    let next = state;
    for (let n = 0; n < LIMITS.consecutiveFailures; n++) next = countFailure(next, LIMITS, nowMs, 0, 2);
    return next;
  };
  const ended = (state: EjectionState): EjectionState => ({ ...state, untilMs: null });

  it('the n-th in a short while lasts n times baseTime', () => {
    const first = eject(NOT_EJECTED, 100_000);
    expect(first.untilMs).toBe(101_000);
    const second = eject(ended(first), 105_000);
    expect(second.untilMs).toBe(107_000);
    expect(eject(ended(second), 110_000).untilMs).toBe(113_000);
  });

  it('after ten baseTimes in peace it is the first again', () => {
    const second = eject(ended(eject(NOT_EJECTED, 100_000)), 102_000);
    expect(second.untilMs).toBe(104_000);
    expect(eject(ended(second), 114_000).untilMs).toBe(117_000);
    expect(eject(ended(second), 114_001).untilMs).toBe(115_001);
  });
});
