import { describe, expect, it } from 'vitest';
import type { PickContext } from '../../../src/data/pick/contract.ts';
import type { Selection } from '../../../src/model/config.ts';
import { backendOf, hold, pod } from '../fixtures.ts';
import { pickName } from './pick-name.ts';

describe('Leader', () => {
  const selection: Selection = { type: 'Leader', hold, onDemotion: 'Close' };
  const [a, b] = [pod(0), pod(1)];

  it('takes the known leader, and waits while there is none or two claim (promise 3)', () => {
    expect(pickName(selection, backendOf([a, b], b))).toBe('db-1');
    expect(pickName(selection, backendOf([a, b], 'none'))).toBe('wait no_leader');
    expect(pickName(selection, backendOf([a, b], 'conflict'))).toBe('wait leader_conflict');
    expect(pickName(selection, backendOf([a, b]))).toBe('fail no_leader');
  });

  it('L1 does not believe a leader that is not ready', () => {
    const unready = pod(0, 'unready');
    expect(pickName(selection, backendOf([unready, b], unready))).toBe('wait no_leader');
  });

  it('waits for a later leadership than the one that refused the request', () => {
    expect(pickName(selection, backendOf([a, b], b, { revision: 4 }), { minLeaderRevision: 5 })).toBe(
      'wait no_leader',
    );
    expect(pickName(selection, backendOf([a, b], b, { revision: 5 }), { minLeaderRevision: 5 })).toBe('db-1');
  });

  it('never falls back to a follower because the leader was tried', () => {
    expect(pickName(selection, backendOf([a, b], b), { tried: (id) => id === b.id })).toBe('db-1');
  });
});

describe('FanOut', () => {
  const fanOut = (over: 'All' | 'Followers'): Selection => ({
    type: 'FanOut',
    over,
    respond: 'All',
    minSuccess: null,
    merge: null,
    maxResponseBytes: 1,
    allowUnsafe: false,
  });

  it('asks every ready Pod or every follower; the leader stands in for nobody', () => {
    const pods = [pod(0), pod(1), pod(2, 'unready')];
    expect(pickName(fanOut('All'), backendOf(pods, pods[0]!))).toBe('db-0,db-1');
    expect(pickName(fanOut('Followers'), backendOf(pods, pods[0]!))).toBe('db-1');
    expect(pickName(fanOut('Followers'), backendOf(pods, 'none'))).toBe('db-0,db-1');
    expect(pickName(fanOut('Followers'), backendOf([pods[0]!], pods[0]!))).toBe('fail no_endpoint');
    expect(pickName(fanOut('All'), backendOf([pods[2]!]))).toBe('fail no_endpoint');
  });
});

describe('Balance', () => {
  const balance = (
    algorithm: 'LeastRequest' | 'RoundRobin' | 'Random',
    over: 'Ready' | 'Followers' = 'Ready',
  ): Selection => ({ type: 'Balance', over, algorithm });
  const pods = [pod(0), pod(1), pod(2)];

  it('H5 nobody ready: no_endpoint, no panic mode (traefik/traefik#5231)', () => {
    expect(pickName(balance('RoundRobin'), backendOf([pod(0, 'unready')]))).toBe('fail no_endpoint');
    expect(pickName(balance('RoundRobin'), backendOf([]))).toBe('fail no_endpoint');
  });

  it('RoundRobin takes turns', () => {
    let turn = 0;
    const names = Array.from({ length: 4 }, () =>
      pickName(balance('RoundRobin'), backendOf(pods), { nextTurn: () => turn++ }),
    );
    expect(names).toEqual(['db-0', 'db-1', 'db-2', 'db-0']);
  });

  it('LeastRequest takes the less busy of two different Pods', () => {
    const busy = new Map([
      [pods[0]!.id, 5],
      [pods[1]!.id, 1],
      [pods[2]!.id, 9],
    ]);
    const inFlight = (id: number): number => busy.get(id)!;
    const drawing = (...values: number[]): Partial<PickContext> => ({
      inFlight,
      random: () => values.shift()!,
    });
    expect(pickName(balance('LeastRequest'), backendOf(pods), drawing(0, 0))).toBe('db-1');
    expect(pickName(balance('LeastRequest'), backendOf(pods), drawing(0, 0.99))).toBe('db-0');
    expect(pickName(balance('LeastRequest'), backendOf(pods), drawing(0.99, 0.99))).toBe('db-1');
    expect(pickName(balance('LeastRequest'), backendOf([pods[2]!]), drawing())).toBe('db-2');
  });

  it('Followers: no follower, the leader; all followers tried, the leader', () => {
    const followers = balance('RoundRobin', 'Followers');
    expect(pickName(followers, backendOf(pods, pods[0]!))).toBe('db-1');
    expect(pickName(followers, backendOf([pods[0]!], pods[0]!))).toBe('db-0');
    const tried = (id: number): boolean => id !== pods[0]!.id;
    expect(pickName(followers, backendOf(pods, pods[0]!), { tried })).toBe('db-0');
    expect(pickName(followers, backendOf(pods, pods[0]!), { tried: () => true })).toBe('db-1');
  });

  it('a pick among 1,000 Pods does not look at all of them', () => {
    let looks = 0;
    const backend = backendOf(Array.from({ length: 1000 }, (_, i) => pod(i)));
    const counted: Partial<PickContext> = {
      inFlight: () => ++looks,
      tried: () => {
        looks++;
        return false;
      },
    };
    for (const algorithm of ['LeastRequest', 'RoundRobin', 'Random'] as const)
      pickName(balance(algorithm, 'Followers'), backend, counted);
    expect(looks).toBeLessThan(10);
  });
});
