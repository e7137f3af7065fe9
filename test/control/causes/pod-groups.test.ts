import { describe, expect, it } from 'vitest';
import { backendCauses, podCause } from '../../../src/control/causes/backend-causes.ts';
import type { PodTrouble } from '../../../src/control/causes/pod-groups.ts';
import { ageInWords, causeInWords, shownCause } from '../../../src/model/cause.ts';

const trouble = (n: number, part: Partial<PodTrouble> = {}): PodTrouble => ({
  name: `db-${n}`,
  kind: 'refused',
  reason: 'connection refused',
  said: null,
  sinceMs: 1000 * n,
  ...part,
});
const many = (count: number, part: (n: number) => Partial<PodTrouble> = () => ({})): PodTrouble[] =>
  Array.from({ length: count }, (_, n) => trouble(n, part(n)));
const told = (unready: readonly PodTrouble[], total: number): string[] =>
  backendCauses({ lookups: null, kept: null, total, unready, leader: [] }).map((cause) =>
    causeInWords(cause, 60_000),
  );

describe('many Pods make few causes', () => {
  it('one is named, some are, all are "all", and many are counted; a group is as old as its youngest', () => {
    expect(told(many(1), 3)).toEqual(['db-0 is unready: connection refused, for 1 min']);
    expect(told(many(2), 3)).toEqual(['db-0 and db-1 are unready: connection refused, for 59 s']);
    expect(told(many(3), 3)).toEqual(['all 3 Pods are unready: connection refused, for 58 s']);
    expect(told(many(50), 100)).toEqual([
      'db-0, db-1, db-2 and 47 more are unready: connection refused, for 11 s',
    ]);
  });

  it('numbers in a reason make no difference, what was said by one is said to be its own', () => {
    const lag = many(1000, (n) => ({ kind: 'http_503', reason: `lag ${n} ms`, said: `"lag is ${n}"` }));
    expect(told(lag, 1000)).toEqual([
      'all 1000 Pods are unready: lag 0 ms, db-0 with "lag is 0", for less than 1 s',
    ]);
    const same = many(2, () => ({ said: '"not now"' }));
    expect(told(same, 2)).toEqual(['all 2 Pods are unready: connection refused: "not now", for 59 s']);
  });

  it('a thousand Pods with a thousand reasons are three causes, the most frequent first', () => {
    const mixed = many(1000, (n) => (n < 10 ? {} : { kind: `kind-${n}`, reason: `reason ${'x'.repeat(n)}` }));
    const texts = told(mixed, 1000);
    expect(texts).toHaveLength(3);
    expect(texts[0]).toMatch(/^db-0, db-1, db-2 and 7 more are unready: connection refused, /);
    expect(texts[2]).toMatch(/^989 more Pods are unready: other reasons, /);
  });
});

it('where nobody is known the look-up comes first; Pods that are only believed still are told of', () => {
  const lookups = { kind: 'nxdomain', text: 'NXDOMAIN for x', sinceMs: 0 };
  const leader = podCause(trouble(1), 'unready')!;
  const nobody = backendCauses({ lookups, kept: null, total: 0, unready: [], leader: [leader] });
  expect(nobody.map(({ area }) => area)).toEqual(['dns', 'health']);
  const kept = backendCauses({
    lookups,
    kept: { pods: 3, leftMs: 25_000 },
    total: 3,
    unready: [],
    leader: [],
  });
  expect(kept.map((cause) => causeInWords(cause, 5000))).toEqual([
    'DNS: NXDOMAIN for x (the 3 Pods of before are believed for another 25 s), for 5 s',
  ]);
});

it('ages in words have two units at most; a cause as it is shown has its age in milliseconds, too', () => {
  const words = [0, 999, 1000, 59_999, 60_000, 185_000, 3_600_000, 7_800_000, 90_000_000].map(ageInWords);
  expect(words).toEqual([
    'less than 1 s',
    'less than 1 s',
    '1 s',
    '59 s',
    '1 min',
    '3 min 5 s',
    '1 h',
    '2 h 10 min',
    '1 d 1 h',
  ]);
  expect(shownCause({ ...podCause(trouble(1), 'unready')!, event: true }, 4500)).toEqual({
    area: 'health',
    kind: 'refused',
    text: 'db-1 is unready: connection refused',
    pods: ['db-1'],
    podCount: 1,
    ageMs: 3500,
    words: 'db-1 is unready: connection refused, 3 s ago',
  });
});
