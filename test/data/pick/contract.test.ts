/** What every selection keeps to, whatever the Pods, the leader and the request. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Pick, PickContext } from '../../../src/data/pick/contract.ts';
import { pickerFor } from '../../../src/data/pick/registry.ts';
import type { Selection } from '../../../src/model/config.ts';
import type { PodState, PodView } from '../../../src/model/pod.ts';
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
