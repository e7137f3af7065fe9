import { describe, expect, it } from 'vitest';
import { backOffDelayMs, refreshDelayMs } from '../../../src/control/discovery/membership/refresh-delay.ts';
import { RefreshLoop, type Turn } from '../../../src/control/discovery/membership/refresh-loop.ts';
import { VirtualClock } from '../../helpers/virtual-clock.ts';

const bounds = { refreshMinMs: 1000, refreshMaxMs: 30_000 };
const RANDOMS = [0, 0.25, 0.5, 0.999999];

describe('refreshDelayMs', () => {
  it.each([
    [0, 1000, 1100], // D21: a TTL of 0 is the minimum, no busy loop
    [null, 1000, 1100],
    [5000, 4500, 5000],
    [30_000, 27_000, 30_000],
    [2 ** 31 * 1000, 27_000, 30_000], // D21: capped
    [Number.POSITIVE_INFINITY, 27_000, 30_000],
  ])('TTL %s gives %d to %d ms', (ttlMs, low, high) => {
    for (const random of RANDOMS) {
      const delay = refreshDelayMs(ttlMs, bounds, () => random);
      expect(delay).toBeGreaterThanOrEqual(low);
      expect(delay).toBeLessThanOrEqual(high);
    }
    const delays = RANDOMS.map((random) => refreshDelayMs(ttlMs, bounds, () => random));
    expect(new Set(delays).size).toBe(RANDOMS.length); // jittered
  });

  it('stays within bounds that leave no room', () => {
    expect(refreshDelayMs(5000, { refreshMinMs: 1000, refreshMaxMs: 1000 }, () => 0.9)).toBe(1000);
  });

  it('D05 doubles after failures up to the maximum', () => {
    const delays = [1, 2, 3, 4, 5, 6, 100].map((n) => backOffDelayMs(n, bounds, () => 0));
    expect(delays).toEqual([1000, 1800, 3600, 7200, 14_400, 27_000, 27_000]);
  });
});

describe('RefreshLoop', () => {
  const good: Turn = { failed: false, error: null, kind: null, ttlMs: 5000, withinMs: null };
  const bad: Turn = { failed: true, error: 'SERVFAIL', kind: 'servfail', ttlMs: null, withinMs: null };
  async function settle(): Promise<void> {
    for (let i = 0; i < 20; i++) await Promise.resolve();
  }
  function loopOf(turn: () => Turn | Promise<Turn>) {
    const clock = new VirtualClock();
    const startedAt: number[] = [];
    const loop = new RefreshLoop(
      bounds,
      clock,
      () => 0,
      async () => {
        startedAt.push(clock.nowMs());
        return turn();
      },
    );
    const advance = async (ms: number): Promise<void> => {
      await settle();
      for (let i = 0; i < ms; i += 100) {
        clock.advance(100);
        await settle();
      }
    };
    return { clock, loop, startedAt, advance };
  }

  it('asks again by the TTL, and after a failure by the back-off', async () => {
    let turn = good;
    const { loop, startedAt, advance } = loopOf(() => turn);
    loop.start();
    await advance(4600);
    turn = bad;
    await advance(10_000);
    expect(startedAt).toEqual([0, 4500, 9000, 10_000, 11_800]);
    expect(loop.times().lastError).toBe('SERVFAIL');
  });

  it('only failures in a row make the back-off longer', async () => {
    const turns = [bad, bad, bad, good, bad, bad, good];
    const { loop, startedAt, advance } = loopOf(() => turns[startedAt.length - 1] ?? good);
    loop.start();
    await advance(16_000);
    const gaps = startedAt.slice(1).map((at, i) => at - startedAt[i]!);
    // 1 s, doubled, doubled (less 10 %); the TTL; from the first again.
    expect(gaps.slice(0, 6)).toEqual([1000, 1800, 3600, 4500, 1000, 1800]);
  });

  it('tells when it last succeeded, and the error for as long as it lasts', async () => {
    const turns = [good, bad, good];
    const { clock, loop, startedAt, advance } = loopOf(() => turns[startedAt.length - 1] ?? good);
    loop.start();
    await advance(4600);
    const began = clock.wallMs() - clock.nowMs();
    expect(loop.times()).toMatchObject({ lastSuccessAtMs: began, lastError: 'SERVFAIL' });
    expect(loop.times().lastAttemptAtMs).toBe(began + 4500);
    await advance(1000);
    expect(loop.times()).toMatchObject({ lastSuccessAtMs: began + 5500, lastError: null });
  });

  it('`withinMs` only ever brings the next round forward', async () => {
    const { loop, startedAt, advance } = loopOf(() => ({ ...good, withinMs: 60_000 }));
    loop.start();
    await advance(4600);
    expect(startedAt).toEqual([0, 4500]);
  });

  it('N7 never stops, even if a round throws', async () => {
    const { loop, startedAt, advance } = loopOf(() => {
      throw new Error('boom');
    });
    loop.start();
    await advance(200_000);
    expect(startedAt.length).toBeGreaterThan(8);
    const gaps = startedAt.slice(1).map((at, i) => at - startedAt[i]!);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(30_000);
  });

  it('refreshSoon asks at once, but no closer than refresh.min', async () => {
    const { loop, startedAt, advance } = loopOf(() => good);
    loop.start();
    await advance(300);
    loop.refreshSoon();
    loop.refreshSoon();
    await advance(1000);
    expect(startedAt).toEqual([0, 1000]);
    await advance(2000);
    loop.refreshSoon();
    await advance(100);
    expect(startedAt).toHaveLength(3);
    expect(startedAt[2]! - 3300).toBeLessThanOrEqual(100);
  });

  it('refreshSoon during a round makes the next one early', async () => {
    let finish: (turn: Turn) => void = () => {};
    const { loop, startedAt, advance } = loopOf(
      () =>
        new Promise<Turn>((resolve) => {
          finish = resolve;
        }),
    );
    loop.start();
    loop.refreshSoon();
    await advance(100);
    finish(good);
    await settle();
    await advance(1000);
    expect(startedAt).toEqual([0, 1000]);
    // Once: the one after that comes by the TTL.
    finish(good);
    await advance(4400);
    expect(startedAt).toEqual([0, 1000]);
    await advance(200);
    expect(startedAt).toEqual([0, 1000, 5600]);
  });

  it('comes back by `withinMs`, and runs one round at a time', async () => {
    const { loop, startedAt, advance } = loopOf(() => ({ ...good, withinMs: 2000 }));
    loop.start();
    loop.start();
    await advance(2100);
    expect(startedAt).toEqual([0, 2000]);
  });

  it('leaves no timer behind when closed in the middle of a round', async () => {
    let finish: (turn: Turn) => void = () => {};
    const { clock, loop } = loopOf(
      () =>
        new Promise<Turn>((resolve) => {
          finish = resolve;
        }),
    );
    loop.start();
    await settle();
    loop.close();
    finish(good);
    await settle();
    expect(clock.pending).toBe(0);
    expect(loop.times().nextRefreshAtMs).toBeNull();
  });

  it('leaves no timer behind when closed', async () => {
    const { clock, loop, startedAt, advance } = loopOf(() => good);
    loop.start();
    await advance(100);
    loop.close();
    expect(clock.pending).toBe(0);
    loop.refreshSoon();
    loop.start();
    await advance(10_000);
    expect(startedAt).toEqual([0]);
  });
});
