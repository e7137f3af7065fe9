/** Where `NextOrdinal` and `Random` go, Pod by Pod, and keys that are there but empty. */
import { describe, expect, it } from 'vitest';
import { mapKey } from '../../../src/data/pick/ordinal-mapping.ts';
import type { OrdinalMapping, Selection } from '../../../src/model/config.ts';
import type { PodView } from '../../../src/model/pod.ts';
import { backendOf, ordinalSelection, pod, request } from '../fixtures.ts';
import { pickName } from './pick-name.ts';

describe('NextOrdinal', () => {
  /** Where a request for an ordinal goes that has been to `tried` already. */
  const next = (
    ordinal: number,
    pods: readonly PodView[],
    tried: readonly number[] = [],
    mapping: OrdinalMapping | null = null,
  ): string => {
    const ids = pods.filter((one) => tried.includes(one.ordinal)).map(({ id }) => id);
    const selection = ordinalSelection({
      ...(mapping === null ? { ordinal } : { key: { from: 'header', name: 'k' }, mapping }),
      whenUnavailable: 'NextOrdinal',
    });
    const view = request('GET', '/', { k: String(ordinal) });
    return pickName(selection, backendOf(pods), { request: view, tried: (id) => ids.includes(id) });
  };

  it('goes on past Pods that were tried, and to those again where no other is left', () => {
    const pods = [pod(0, 'unready'), pod(1), pod(2), pod(3)];
    expect([next(0, pods), next(0, pods, [1]), next(0, pods, [1, 2])]).toEqual(['db-1', 'db-2', 'db-3']);
    expect(next(0, pods, [1, 2, 3])).toBe('db-1');
  });

  it('goes round to the lowest, in whatever order Pods stand', () => {
    for (const pods of [
      [pod(2), pod(1), pod(3, 'unready')],
      [pod(1), pod(2), pod(3, 'unready')],
    ])
      expect(next(3, pods)).toBe('db-1');
  });

  it('stays within the ordinals of the mapping, tried or not', () => {
    const mapping: OrdinalMapping = { type: 'Modulo', replicas: 2, start: 0 };
    expect(next(0, [pod(0, 'unready'), pod(1), pod(2)], [1], mapping)).toBe('db-1');
  });

  it('stays within them at their lower end', () => {
    // 6 mod 3 is 0: the Pod with ordinal 5, which is away.
    const mapping: OrdinalMapping = { type: 'Modulo', replicas: 3, start: 5 };
    const [below, first, last] = [pod(4), pod(6, 'unready'), pod(7)];
    expect(next(6, [below, pod(5, 'unready'), first, last], [], mapping)).toBe('db-7');
    expect(next(8, [below, pod(5), first, pod(7, 'unready')], [], mapping)).toBe('db-5');
    expect(next(8, [below, pod(5, 'unready'), first, pod(7, 'unready')], [], mapping)).toBe(
      'fail ordinal_unavailable',
    );
  });
});

it('Random gives each Pod its share of [0, 1)', () => {
  const selection: Selection = { type: 'Balance', over: 'Ready', algorithm: 'Random' };
  const backend = backendOf([pod(0), pod(1), pod(2)]);
  const at = (random: number): string => pickName(selection, backend, { random: () => random });
  expect([0, 0.3, 0.34, 0.5, 0.66, 0.67, 0.999].map(at)).toEqual([
    'db-0',
    'db-0',
    'db-1',
    'db-1',
    'db-1',
    'db-2',
    'db-2',
  ]);
});

it.each([
  ['header', { key: { from: 'header', name: 'k' } as const }, request('GET', '/', { k: '' })],
  ['query parameter', { key: { from: 'queryParam', name: 'k' } as const }, request('GET', '/?k=')],
  ['path segment', { key: { from: 'pathSegment', index: 2 } as const }, request('GET', '/t//x')],
  ['cookie', { key: { from: 'cookie', name: 'k' } as const }, request('GET', '/', { cookie: 'k=; a=b' })],
])('an empty %s is no key', (_, { key }, view) => {
  const selection = ordinalSelection({ key, mapping: { type: 'JumpHash', replicas: 3, start: 0 } });
  expect(pickName(selection, backendOf([pod(0), pod(1), pod(2)]), { request: view })).toBe(
    'fail key_missing',
  );
});

it('Modulo is exact for any number of replicas', () => {
  const key = '18446744073709551615';
  for (const replicas of [(1 << 20) - 1, 1 << 20, 1_500_007, 2_147_483_647])
    expect(mapKey({ type: 'Modulo', replicas, start: 0 }, key, backendOf([]), false)).toEqual({
      ordinal: Number(BigInt(key) % BigInt(replicas)),
    });
});
