import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Pick, PickContext } from '../../../src/data/pick/contract.ts';
import { pickerFor } from '../../../src/data/pick/registry.ts';
import type { Selection } from '../../../src/model/config.ts';
import type { PodState, PodView } from '../../../src/model/pod.ts';
import type { BackendSnapshot } from '../../../src/model/snapshot.ts';
import { backendOf, context, hold, ordinalSelection, pod, request } from '../fixtures.ts';

/** Every kind of selection there is; a new one is added here and has to keep the contract. */
const SELECTIONS: readonly [string, Selection][] = [
  ['Leader', { type: 'Leader', hold, onDemotion: 'Close' }],
  ...(['Fail', 'Hold', 'NextOrdinal', 'Leader'] as const).flatMap(
    (whenUnavailable): [string, Selection][] => [
      [`Ordinal 1, ${whenUnavailable}`, ordinalSelection({ ordinal: 1, whenUnavailable })],
      [
        `Ordinal by key, ${whenUnavailable}`,
        ordinalSelection({
          key: { from: 'header', name: 'x-key' },
          mapping: { type: 'Modulo', replicas: 3, start: 0 },
          whenUnavailable,
        }),
      ],
    ],
  ),
  ...(['All', 'Followers'] as const).map((over): [string, Selection] => [
    `FanOut ${over}`,
    {
      type: 'FanOut',
      over,
      respond: 'First',
      minSuccess: null,
      merge: null,
      maxResponseBytes: 1024,
      allowUnsafe: false,
    },
  ]),
  ...(['Ready', 'Followers'] as const).flatMap((over) =>
    (['LeastRequest', 'RoundRobin', 'Random'] as const).map((algorithm): [string, Selection] => [
      `Balance ${over} ${algorithm}`,
      { type: 'Balance', over, algorithm },
    ]),
  ),
];

const state = fc.constantFrom<PodState>('ready', 'ready', 'unready', 'ejected', 'draining');
const roster = fc
  .uniqueArray(fc.integer({ min: -1, max: 4 }), { maxLength: 5, selector: (o) => (o < 0 ? {} : o) })
  .chain((ordinals) => fc.tuple(...ordinals.map((o) => state.map((s) => pod(o, s)))));
const scene = roster.chain((pods) =>
  fc.record({
    backend: fc
      .tuple(
        fc.oneof(
          fc.constantFrom<'none' | 'conflict' | 'unconfigured'>('none', 'conflict', 'unconfigured'),
          pods.length > 0 ? fc.constantFrom(...pods) : fc.constant<'none'>('none'),
        ),
        fc.integer({ min: 0, max: 3 }),
      )
      .map(([leader, revision]) => backendOf(pods, leader, { revision })),
    tried: fc.subarray(pods.map((p) => p.id)),
    random: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    turn: fc.nat(100),
    busy: fc.array(fc.nat(3), { minLength: 5, maxLength: 5 }),
    key: fc.option(fc.constantFrom('0', '1', '2', 'acme', '')),
    minLeaderRevision: fc.integer({ min: 0, max: 3 }),
  }),
);

function podsOf(pick: Pick): readonly PodView[] {
  return pick.type === 'pod' ? [pick.pod] : pick.type === 'pods' ? pick.pods : [];
}

describe.each(SELECTIONS)('the contract of every selection: %s', (_, selection) => {
  const picker = pickerFor(selection);

  it('picks ready Pods of the backend only, purely, and exclusion says the same', () => {
    fc.assert(
      fc.property(scene, ({ backend, tried, random, turn, busy, key, minLeaderRevision }) => {
        const before = structuredClone(backend);
        const ctx: PickContext = context({
          request: request('GET', '/', key === null ? {} : { 'x-key': key }),
          random: () => random,
          nextTurn: () => turn,
          inFlight: (id) => busy[id % busy.length]!,
          tried: (id) => tried.includes(id),
          minLeaderRevision,
        });
        const pick = picker.pick(backend, ctx);
        const picked = podsOf(pick);
        const excluded = new Map(backend.pods.map((p) => [p, picker.exclusion(p, backend, ctx)]));

        expect(picker.pick(backend, ctx)).toEqual(pick);
        expect(backend).toEqual(before);
        for (const p of picked) {
          expect(backend.pods).toContain(p);
          expect(p.state).toBe('ready');
          expect(excluded.get(p)).toBeNull();
        }
        for (const [p, why] of excluded) {
          if (p.state !== 'ready') expect(why).not.toBeNull();
          if (picked.length === 0) expect(why).not.toBeNull();
          if (why !== null) expect(why).not.toBe('');
        }
        if (pick.type === 'pods')
          expect(picked.length).toBe([...excluded.values()].filter((w) => w === null).length);
        if (pick.type === 'wait' || pick.type === 'fail') expect(pick.detail).not.toBe('');
        const untriedCandidates = [...excluded].filter(([p, w]) => w === null && !tried.includes(p.id));
        if (pick.type === 'pod' && untriedCandidates.length > 0) expect(tried).not.toContain(pick.pod.id);
      }),
      { numRuns: 150 },
    );
  });
});

it('makes the picker of a selection once', () => {
  const [, selection] = SELECTIONS[3]!;
  expect(pickerFor(selection)).toBe(pickerFor(selection));
  expect(pickerFor(structuredClone(selection))).not.toBe(pickerFor(selection));
});

function pickName(selection: Selection, backend: BackendSnapshot, part: Partial<PickContext> = {}): string {
  const pick = pickerFor(selection).pick(backend, context(part));
  return pick.type === 'pod'
    ? pick.pod.name
    : pick.type === 'pods'
      ? pick.pods.map((p) => p.name).join()
      : `${pick.type} ${pick.failure}`;
}

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

describe('Ordinal', () => {
  it('O1 a missing middle moves no other key (zalando/skipper#1803): 10,000 keys', () => {
    const all = [pod(0), pod(1), pod(2)];
    const whole = backendOf(all);
    const holed = backendOf([all[0]!, all[2]!]);
    for (const [type, whenUnavailable, expected] of [
      ['Modulo', 'Fail', 'fail ordinal_unavailable'],
      ['JumpHash', 'Hold', 'wait ordinal_unavailable'],
      ['JumpHash', 'NextOrdinal', 'db-2'],
      ['Modulo', 'Leader', 'db-0'],
    ] as const) {
      const selection = ordinalSelection({
        key: { from: 'pathSegment', index: 2 },
        mapping: { type, replicas: 3, start: 0 },
        whenUnavailable,
      });
      const led = { ...holed, leadership: { ...holed.leadership, state: 'known' as const, leader: all[0]! } };
      const seen = new Set<string>();
      for (let i = 0; i < 10_000; i++) {
        const part = { request: request('GET', `/t/tenant-${i}/x`) };
        const before = pickName(selection, whole, part);
        seen.add(before);
        expect(pickName(selection, led, part)).toBe(before === 'db-1' ? expected : before);
      }
      expect(seen.size).toBe(3);
    }
  });

  it.each([
    [0, 'db-2'],
    [1, 'db-2'],
    [3, 'db-4'],
    [5, 'db-2'],
    [9, 'db-2'],
  ])('NextOrdinal goes upward from %i and round: %s', (ordinal, expected) => {
    const backend = backendOf([pod(0, 'unready'), pod(1, 'draining'), pod(2), pod(3, 'ejected'), pod(4)]);
    expect(pickName(ordinalSelection({ ordinal, whenUnavailable: 'NextOrdinal' }), backend)).toBe(expected);
  });

  it('NextOrdinal stays within what the mapping can yield', () => {
    const backend = backendOf([pod(0), pod(1, 'unready'), pod(2, 'unready'), pod(3)]);
    const selection = ordinalSelection({
      key: { from: 'header', name: 'k' },
      mapping: { type: 'Modulo', replicas: 3, start: 0 },
      whenUnavailable: 'NextOrdinal',
    });
    expect(pickName(selection, backend, { request: request('GET', '/', { k: '2' }) })).toBe('db-0');
  });

  it('a Pod that was tried is asked again only where the rule allows no other', () => {
    const pods = [pod(0), pod(1), pod(2)];
    const tried = (id: number): boolean => id === pods[1]!.id;
    const backend = backendOf(pods, pods[0]!);
    const by = (whenUnavailable: 'Fail' | 'Hold' | 'NextOrdinal' | 'Leader'): string =>
      pickName(ordinalSelection({ ordinal: 1, whenUnavailable }), backend, { tried });
    expect([by('Fail'), by('Hold'), by('NextOrdinal'), by('Leader')]).toEqual([
      'db-1',
      'db-1',
      'db-2',
      'db-0',
    ]);
    expect(
      pickName(ordinalSelection({ ordinal: 1, whenUnavailable: 'Leader' }), backendOf(pods, 'none'), {
        tried,
      }),
    ).toBe('db-1');
  });

  it('whenUnavailable: Leader waits as a Leader rule does', () => {
    const selection = ordinalSelection({ ordinal: 1, whenUnavailable: 'Leader' });
    expect(pickName(selection, backendOf([pod(0)], 'conflict'))).toBe('wait leader_conflict');
  });

  it.each<[string, Partial<PickContext>, string]>([
    ['pathSegment 2', { request: request('GET', '/t/1/x') }, 'db-1'],
    ['pathSegment 2', { request: request('GET', '/t/%31') }, 'db-1'],
    ['pathSegment 2', { request: request('GET', '/t/db-2?x=/1') }, 'db-2'],
    ['pathSegment 2', { request: request('GET', '/t') }, 'fail key_missing'],
    ['pathSegment 2', { request: request('GET', '/t/') }, 'fail key_missing'],
    ['pathSegment 2', { request: request('GET', '//1') }, 'db-1'],
    ['pathSegment 2', { request: request('GET', '/t//1') }, 'fail key_missing'],
    ['pathSegment 2', { request: request('GET', '/t/1%2F2') }, 'fail key_missing'],
    ['pathSegment 2', { request: request('OPTIONS', '*') }, 'fail key_missing'],
    ['header X-K', { request: request('GET', '/', { 'x-k': '1' }) }, 'db-1'],
    ['header X-K', { request: request('GET', '/', { 'x-k': '' }) }, 'fail key_missing'],
    ['header X-K', { request: request('GET', '/', { 'x-k': '1, 2' }) }, 'fail key_missing'],
    ['queryParam k', { request: request('GET', '/?a=2&k=1&k=2') }, 'db-1'],
    ['queryParam k', { request: request('GET', '/?kk=1') }, 'fail key_missing'],
    ['cookie k', { request: request('GET', '/', { cookie: 'kk=2; k=1; k=2' }) }, 'db-1'],
    ['cookie k', { request: request('GET', '/', { cookie: 'a=b;k="1"' }) }, 'db-1'],
    ['cookie k', { request: request('GET', '/', { cookie: 'K=1; k' }) }, 'fail key_missing'],
    ['cookie k', { request: request('GET', '/', { cookie: 'x="; k=1"' }) }, 'fail key_missing'],
    ['cookie k', { request: request('GET', '/', { cookie: 'k=%31' }) }, 'fail key_missing'],
    ['cookie k', {}, 'fail key_missing'],
    ['self', { selfPodName: 'web-2' }, 'db-2'],
    ['self', { selfPodName: '' }, 'fail key_missing'],
    ['self', { selfPodName: 'web' }, 'fail key_missing'],
    ['self', { selfPodName: 'web-9' }, 'fail ordinal_unavailable'],
  ])('key from %s of %j: %s', (source, part, expected) => {
    const [from, name = ''] = source.split(' ');
    const key =
      from === 'pathSegment'
        ? ({ from, index: Number(name) } as const)
        : from === 'self'
          ? ({ from } as const)
          : { from: from as 'header' | 'queryParam' | 'cookie', name };
    const backend = backendOf([pod(0), pod(1), pod(2)]);
    expect(pickName(ordinalSelection({ key, mapping: { type: 'Exact' } }), backend, part)).toBe(expected);
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
