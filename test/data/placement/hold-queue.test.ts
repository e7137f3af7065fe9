import { beforeEach, describe, expect, it } from 'vitest';
import { type Held, HoldQueue, type Waiter } from '../../../src/data/placement/hold-queue.ts';
import type { HoldConfig } from '../../../src/model/config.ts';
import { Metrics } from '../../../src/observe/metrics.ts';
import { mainThreadCpuMs } from '../../helpers/thread-cpu.ts';
import { VirtualClock } from '../../helpers/virtual-clock.ts';

const limits: HoldConfig = { timeoutMs: 10_000, maxRequests: 3, maxBytes: 100 };

let clock: VirtualClock;
let metrics: Metrics;
let queue: HoldQueue;
let log: string[];
let leader: boolean;

beforeEach(() => {
  clock = new VirtualClock();
  metrics = new Metrics();
  queue = new HoldQueue('db', metrics, clock);
  log = [];
  leader = false;
});

function waiter(name: string, onRetry: () => void = () => {}): Waiter {
  return {
    retry() {
      if (!leader) return false;
      log.push(name);
      onRetry();
      return true;
    },
    expire: () => log.push(`${name} expired at ${clock.nowMs()}`),
    rematch() {},
    crashed() {},
  };
}

function enter(name: string, part: Partial<HoldConfig> = {}, rule = 'writes', bytes = 0): Held | null {
  return queue.enter(rule, { ...limits, ...part }, bytes, waiter(name));
}

function held(): number {
  return metrics.heldRequests.with('db').value;
}

function outcomes(outcome: string): number {
  const cell = metrics.holdDuration.with('db', outcome);
  return cell.counts.reduce((sum, n) => sum + n, 0);
}

describe('hold queue', () => {
  it('releases in order of arrival over all rules', () => {
    enter('a');
    enter('b', {}, 'other');
    enter('c');
    expect(held()).toBe(3);
    queue.wake();
    expect(log).toEqual([]);
    leader = true;
    queue.wake();
    expect(log).toEqual(['a', 'b', 'c']);
    expect(queue.size).toBe(0);
    expect(held()).toBe(0);
    expect(outcomes('released')).toBe(3);
    expect(clock.pending).toBe(0);
  });

  it('one that must wait on does not hold up those behind it', () => {
    queue.enter('ordinal', limits, 0, { retry: () => false, expire() {}, rematch() {}, crashed() {} });
    enter('b');
    leader = true;
    queue.wake();
    expect(log).toEqual(['b']);
    expect(queue.size).toBe(1);
  });

  it('counts requests and bytes per rule, and what is refused as full', () => {
    enter('a');
    enter('b');
    enter('c');
    expect(enter('d')).toBeNull();
    expect(enter('e', {}, 'other')).not.toBeNull();
    expect(outcomes('full')).toBe(1);
    expect(held()).toBe(4);
  });

  it('counts bytes kept while waiting, and gives them back', () => {
    const a = enter('a', {}, 'writes', 60)!;
    expect(enter('b', {}, 'writes', 41)).toBeNull();
    const c = enter('c', {}, 'writes', 40)!;
    expect(c.addBytes(1)).toBe(false);
    a.leave('client_gone');
    expect(c.addBytes(60)).toBe(true);
    expect(c.addBytes(1)).toBe(false);
    c.leave('full');
    expect(enter('d', {}, 'writes', 100)).not.toBeNull();
    expect(c.addBytes(0)).toBe(false);
  });

  it('L9 each fails at its own deadline, and those that came later are released', () => {
    enter('a');
    clock.advance(3000);
    enter('b');
    clock.advance(3000);
    enter('c');
    clock.advance(7000);
    expect(log).toEqual(['a expired at 10000', 'b expired at 13000']);
    leader = true;
    queue.wake();
    expect(log).toEqual(['a expired at 10000', 'b expired at 13000', 'c']);
    expect(outcomes('timeout')).toBe(2);
    expect(metrics.holdDuration.with('db', 'timeout').sum).toBeCloseTo(20);
    expect(clock.pending).toBe(0);
  });

  it('rules with different timeouts each have their own deadline, with one timer', () => {
    enter('slow', { timeoutMs: 500 }, 'slow');
    enter('fast', { timeoutMs: 100 }, 'fast');
    enter('slow2', { timeoutMs: 500 }, 'slow');
    expect(clock.pending).toBe(1);
    clock.advance(100);
    expect(log).toEqual(['fast expired at 100']);
    expect(clock.pending).toBe(1);
    clock.advance(400);
    expect(log.slice(1)).toEqual(['slow expired at 500', 'slow2 expired at 500']);
    expect(clock.pending).toBe(0);
  });

  it('one that leaves because another expired is not expired as well', () => {
    let b: Held | null = null;
    queue.enter('writes', limits, 0, {
      retry: () => false,
      expire: () => b!.leave('abandoned'),
      rematch() {},
      crashed() {},
    });
    b = enter('b');
    clock.advance(10_000);
    expect(log).toEqual([]);
    expect(outcomes('abandoned')).toBe(1);
  });

  it('R5 a client that left is not sent, and the gauge falls at once', () => {
    const a = enter('a')!;
    enter('b');
    a.leave('client_gone');
    a.leave('client_gone');
    expect(held()).toBe(1);
    leader = true;
    queue.wake();
    expect(log).toEqual(['b']);
    expect(outcomes('client_gone')).toBe(1);
  });

  it('one that leaves while another is being released is not asked', () => {
    let b: Held | null = null;
    queue.enter(
      'writes',
      limits,
      0,
      waiter('a', () => b!.leave('client_gone')),
    );
    b = enter('b');
    enter('c');
    leader = true;
    queue.wake();
    expect(log).toEqual(['a', 'c']);
  });

  it('a waiter that gave its place up itself is counted once', () => {
    const own: { held: Held | null } = { held: null };
    own.held = queue.enter(
      'writes',
      limits,
      0,
      waiter('a', () => own.held!.leave('abandoned')),
    );
    leader = true;
    queue.wake();
    expect(outcomes('abandoned')).toBe(1);
    expect(outcomes('released')).toBe(0);
    expect(held()).toBe(0);
  });

  it('what arrives while earlier ones are released does not overtake them, and is tried right after', () => {
    const seen: boolean[] = [];
    queue.enter(
      'writes',
      limits,
      0,
      waiter('a', () => {
        seen.push(queue.releasing);
        enter('new');
      }),
    );
    enter('b');
    leader = true;
    expect(queue.releasing).toBe(false);
    queue.wake();
    expect(seen).toEqual([true]);
    expect(log).toEqual(['a', 'b']);
    expect(queue.releasing).toBe(true);
    enter('newer');
    clock.advance(1);
    expect(log).toEqual(['a', 'b', 'new', 'newer']);
    expect(queue.releasing).toBe(false);
  });

  it('a wake from within a release makes another pass, not a nested one', () => {
    queue.enter(
      'writes',
      limits,
      0,
      waiter('a', () => queue.wake()),
    );
    enter('b');
    leader = true;
    queue.wake();
    expect(log).toEqual(['a', 'b']);
    clock.advance(1);
    expect(log).toEqual(['a', 'b']);
    expect(clock.pending).toBe(0);
  });

  it('a waiter that enters again from its own retry does not spin the loop', () => {
    let rounds = 0;
    const again: Waiter = {
      retry() {
        rounds++;
        queue.enter('writes', limits, 0, again);
        return true;
      },
      rematch() {},
      crashed() {},
      expire() {},
    };
    queue.enter('writes', limits, 0, again);
    queue.wake();
    expect(rounds).toBe(1);
    expect(queue.size).toBe(1);
  });

  it('10,000 that wait and leave one by one cost no stall', () => {
    const many = { timeoutMs: 10_000, maxRequests: 100_000, maxBytes: 1 };
    const places = Array.from({ length: 10_000 }, () => queue.enter('writes', many, 0, waiter('x'))!);
    const before = mainThreadCpuMs();
    for (const place of places) place.leave('client_gone');
    expect(mainThreadCpuMs() - before).toBeLessThan(500);
    expect(queue.size).toBe(0);
    expect(clock.pending).toBe(0);
  });
});
