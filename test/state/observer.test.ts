/** What `/state` remembers (SPEC 4): since when, and the last ten minutes in bounded memory. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SnapshotCell } from '../../src/boundary/snapshot-cell.ts';
import { emptySnapshot } from '../../src/model/empty.ts';
import type { PodState, PodView } from '../../src/model/pod.ts';
import type { BackendSnapshot, Leadership } from '../../src/model/snapshot.ts';
import { Metrics } from '../../src/observe/metrics.ts';
import { HISTORY_MS, MAX_CHANGES } from '../../src/state/history.ts';
import { moment, nowBy } from '../../src/state/now.ts';
import { StateObserver } from '../../src/state/observer.ts';
import { backendConfig, configWith } from '../helpers/config.ts';
import { VirtualClock } from '../helpers/virtual-clock.ts';

const config = backendConfig();
let clock: VirtualClock;
let cell: SnapshotCell;
let metrics: Metrics;
let observer: StateObserver;
let peaks: Map<string, number>;

beforeEach(() => {
  clock = new VirtualClock();
  cell = new SnapshotCell(emptySnapshot(configWith(), 'h'));
  metrics = new Metrics();
  peaks = new Map();
  const takeHeldPeaks = (): Map<string, number> => {
    const taken = peaks;
    peaks = new Map();
    return taken;
  };
  observer = new StateObserver({ cell, takeHeldPeaks, failures: metrics.requestFailures, clock });
});
afterEach(() => observer.close());

function pod(id: number, state: PodState = 'ready'): PodView {
  const name = `db-${id}`;
  return {
    id,
    name,
    label: name,
    dnsName: name,
    ordinal: id,
    addresses: ['10.0.0.1'],
    port: 80,
    state,
    reason: state,
  };
}

const LED: Leadership = {
  state: 'none',
  leader: null,
  term: null,
  claimants: [],
  revision: 1,
  reign: 0,
  reason: 'no Pod claims to lead',
};

function publish(pods: readonly PodView[], leadership: Partial<Leadership> = {}): void {
  const backend: BackendSnapshot = {
    config,
    pods,
    ready: pods.filter(({ state }) => state === 'ready'),
    followers: [],
    byOrdinal: new Map(),
    leadership: { ...LED, ...leadership },
  };
  const before = cell.current();
  cell.publish({ ...before, version: before.version + 1, backends: new Map([['db', backend]]) });
}

const led = (by: PodView, claimants = [by.name]): Partial<Leadership> => ({
  state: 'known',
  leader: by,
  claimants,
  reign: 1,
});

const changes = () => observer.of('db')!.history.changes(nowBy(clock));

describe('since when', () => {
  it('counts from the change of state, not of its reason, and for each Pod by itself', () => {
    const [a, b] = [pod(0), pod(1)];
    publish([a, b]);
    clock.advance(5000);
    publish([a, { ...b, state: 'unready', reason: 'connection refused' }]);
    clock.advance(5000);
    publish([a, { ...b, state: 'unready', reason: 'no answer within 1s' }]);
    const { since } = observer.of('db')!;
    expect([since.ofPod(0), since.ofPod(1)]).toEqual([0, 5000]);
    expect(moment(since.ofPod(1)!, nowBy(clock))).toEqual({ at: '2023-11-14T22:13:25.000Z', ageMs: 5000 });
  });

  it('forgets Pods that left: one that comes back begins anew', () => {
    publish([pod(0), pod(1)]);
    clock.advance(1000);
    publish([pod(0)]);
    clock.advance(1000);
    publish([pod(0), pod(1)]);
    expect(observer.of('db')!.since.ofPod(1)).toBe(2000);
  });

  it('knows since when a Pod leads or nobody does, and since when each claims', () => {
    const [a, b] = [pod(0), pod(1)];
    publish([a, b], led(a));
    clock.advance(1000);
    publish([a, b], led(a, ['db-0', 'db-1']));
    clock.advance(1000);
    publish([a, b], { state: 'conflict', claimants: ['db-1', 'db-0'] });
    const { since } = observer.of('db')!;
    expect([since.ofLeadership, since.ofClaim('db-0'), since.ofClaim('db-1')]).toEqual([2000, 0, 1000]);
    clock.advance(1000);
    publish([a, b], led(b));
    expect([since.ofLeadership, since.ofClaim('db-0'), since.ofClaim('db-1')]).toEqual([3000, null, 1000]);
    // The same Pod, elected again.
    clock.advance(1000);
    publish([a, b], { ...led(b), reign: 2 });
    expect(since.ofLeadership).toBe(4000);
  });

  it('forgets a backend that a reload removed', () => {
    publish([pod(0)]);
    cell.publish({ ...cell.current(), version: 9, backends: new Map() });
    expect(observer.of('db')).toBe(undefined);
  });
});

describe('the last ten minutes', () => {
  it('tell who led, who claimed, how many were ready and waited', () => {
    const [a, b] = [pod(0), pod(1)];
    publish([a, b], { ...led(a), term: '1' });
    clock.advance(2000);
    publish([{ ...a, state: 'unready' }, b]);
    clock.advance(500);
    peaks.set('db', 7);
    clock.advance(3500);
    publish([{ ...a, state: 'unready' }, b], { ...led(b), term: '2' });
    clock.advance(2000);
    expect(changes()).toMatchObject([
      { leadership: 'known', leader: 'db-0', term: '1', ready: 2, pods: 2, held: 0 },
      { ageMs: 6000, leadership: 'none', leader: null, claimants: [], ready: 1, held: 7 },
      { leadership: 'none', ready: 1, held: 0 },
      { ageMs: 2000, leadership: 'known', leader: 'db-1', term: '2', claimants: ['db-1'], held: 0 },
    ]);
  });

  it('are as long as that, but for what was true when they began', () => {
    publish([pod(0)]);
    clock.advance(2000);
    publish([pod(0), pod(1)]);
    clock.advance(HISTORY_MS - 10_000);
    publish([pod(0)]);
    expect(changes()).toHaveLength(3);
    clock.advance(9_999);
    expect(changes().map(({ pods }) => pods)).toEqual([1, 2, 1]);
    clock.advance(1);
    expect(changes().map(({ pods }) => pods)).toEqual([2, 1]);
    clock.advance(HISTORY_MS);
    expect(changes().map(({ pods }) => pods)).toEqual([1]);
  });

  it('join what comes within a second, but never a change of the leader', () => {
    const pods = Array.from({ length: 100 }, (_, id) => pod(id, 'unready'));
    for (let i = 0; i < 100; i++) {
      pods[i] = pod(i);
      publish([...pods]);
      clock.advance(9);
    }
    expect(changes()).toMatchObject([{ ready: 100, pods: 100 }]);
    publish(pods, led(pods[0]!));
    publish(pods);
    publish(pods, led(pods[1]!));
    expect(changes().map(({ leader }) => leader)).toEqual([null, 'db-0', null, 'db-1']);
  });

  it('are bounded however much happens, and leave counts out before leaders', () => {
    const [a, b] = [pod(0), pod(1)];
    publish([a, b], led(a));
    for (let i = 1; i <= 1000; i++) {
      clock.advance(500);
      const ups = i % 2 === 0 ? [a, b] : [a];
      publish(ups, led(i >= 500 && i < 510 ? b : a));
      clock.advance(600);
      publish([a], led(i >= 500 && i < 510 ? b : a));
      clock.skip(-1100 + 550);
    }
    expect(changes().length).toBeLessThanOrEqual(MAX_CHANGES);
    expect(changes().some(({ leader }) => leader === 'db-1')).toBe(true);
    for (let i = 0; i < 3 * MAX_CHANGES; i++) {
      clock.advance(100);
      publish([a, b], led(i % 2 === 0 ? a : b));
    }
    expect(changes()).toHaveLength(MAX_CHANGES);
    expect(changes().at(-1)).toMatchObject({ ageMs: 0, leader: 'db-1' });
  });
});

it('counts failures by reason: all, those of the last ten minutes, the rules that had the most', () => {
  const { requestFailures } = metrics;
  requestFailures.with('reads', 'no_route');
  requestFailures.with('writes', 'hold_timeout').value = 40;
  clock.advance(60_000);
  requestFailures.with('writes', 'no_leader').value = 3;
  requestFailures.with('reads', 'no_leader').value = 4;
  clock.advance(HISTORY_MS - 60_000);
  expect(observer.failures.report()).toEqual([
    { failure: 'hold_timeout', total: 40, lastTenMinutes: 40, rules: [{ rule: 'writes', total: 40 }] },
    {
      failure: 'no_leader',
      total: 7,
      lastTenMinutes: 7,
      rules: [
        { rule: 'reads', total: 4 },
        { rule: 'writes', total: 3 },
      ],
    },
  ]);
  clock.advance(30_000);
  expect(observer.failures.report()).toMatchObject([
    { failure: 'no_leader', lastTenMinutes: 7 },
    { failure: 'hold_timeout', total: 40, lastTenMinutes: 0 },
  ]);
});
