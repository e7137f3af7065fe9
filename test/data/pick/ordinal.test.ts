import { describe, expect, it } from 'vitest';
import type { PickContext } from '../../../src/data/pick/contract.ts';
import { backendOf, ordinalSelection, pod, request } from '../fixtures.ts';
import { pickName } from './pick-name.ts';

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
