/** When a failover that Sentinels tell of is under way. */
import { expect, it } from 'vitest';
import { FAILOVER_MS, FailoverWatch } from '../../../src/control/leadership/sentinel/failover.ts';
import { VirtualClock } from '../../helpers/virtual-clock.ts';

const A = { host: '10.0.0.1', port: 6379 };
const B = { host: '10.0.0.2', port: 6379 };
const C = { host: '10.0.0.3', port: 6379 };

function watch() {
  const clock = new VirtualClock();
  const seen: boolean[] = [];
  const failover: FailoverWatch = new FailoverWatch(clock, () => seen.push(failover.current !== null));
  return { clock, failover, seen };
}

it('one without an end is not waited for longer than its bound, however often its Sentinel speaks of it', () => {
  const { clock, failover, seen } = watch();
  failover.begins('s0', A, A);
  const { current } = failover;
  clock.advance(FAILOVER_MS - 1);
  failover.begins('s0', A, A);
  expect(failover.current).toBe(current);
  clock.advance(1);
  expect(failover.current).toBeNull();
  expect(seen).toEqual([true, false]);
  expect(clock.pending).toBe(0);
});

it('of two Sentinels that both began one each must give it up', () => {
  const { failover, seen } = watch();
  failover.begins('s0', A, A);
  failover.begins('s1', A, A);
  failover.aborts('s2');
  failover.aborts('s0');
  expect(failover.current).toEqual({ from: A });
  failover.aborts('s1');
  expect(failover.current).toBeNull();
  expect(seen).toEqual([true, false]);
});

it('a majority that names another master than before ends it; one that does not, or none, ends nothing', () => {
  const { clock, failover } = watch();
  failover.begins('s0', A, A);
  failover.majority(A);
  failover.majority(null);
  expect(failover.current).not.toBeNull();
  failover.majority(B);
  expect(failover.current).toBeNull();
  expect(clock.pending).toBe(0);
});

it('a Sentinel with an old view that fails over while a majority names another one already', () => {
  const { failover } = watch();
  failover.begins('s0', A, B);
  failover.majority(B);
  expect(failover.current).toEqual({ from: A });
  failover.majority(C);
  expect(failover.current).toBeNull();
});

it('who goes on from another one waits as long as that one would have', () => {
  const { clock, failover } = watch();
  failover.begins('s0', A, A);
  clock.advance(FAILOVER_MS - 1);
  const next = new FailoverWatch(clock, () => {});
  next.follow(failover);
  expect(next.current).toBe(failover.current);
  next.majority(A);
  clock.advance(1);
  expect(next.current).toBeNull();
});

it('the next one is another', () => {
  const { failover } = watch();
  failover.begins('s0', A, A);
  const first = failover.current;
  failover.aborts('s0');
  failover.begins('s0', A, A);
  expect(failover.current).not.toBe(first);
});
