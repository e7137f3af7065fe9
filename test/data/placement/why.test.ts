import { describe, expect, it } from 'vitest';
import { SnapshotCell } from '../../../src/boundary/snapshot-cell.ts';
import { detailWithCauses, whyRefused } from '../../../src/data/placement/why.ts';
import type { Cause } from '../../../src/model/cause.ts';
import { emptySnapshot } from '../../../src/model/empty.ts';
import { configWith } from '../../helpers/config.ts';
import { backendOf, pod } from '../fixtures.ts';

const cause = (area: Cause['area'], text: string): Cause => ({
  area,
  kind: 'x',
  text,
  pods: [],
  podCount: 0,
  sinceMs: 1000,
});
const ALL = [cause('leader', 'nobody claims'), cause('health', 'db-0 is unready'), cause('dns', 'NXDOMAIN')];

describe('the detail of a refusal', () => {
  it.each([
    ['no_endpoint', 'no Pod', 'no Pod; db-0 is unready, for 4 s; NXDOMAIN, for 4 s'],
    ['no_leader', 'nobody claims', 'nobody claims, for 4 s; db-0 is unready, for 4 s; NXDOMAIN, for 4 s'],
    ['leader_conflict', 'two', 'two; nobody claims, for 4 s'],
    [
      'hold_timeout',
      'held for 10 ms; nobody claims',
      'held for 10 ms; nobody claims, for 4 s; db-0 is unready, for 4 s; NXDOMAIN, for 4 s',
    ],
    ['overloaded', 'too many', 'too many'],
  ] as const)('%s: %s', (failure, detail, told) => {
    expect(detailWithCauses(failure, detail, ALL, null, 5000)).toBe(told);
  });

  it('about one Pod is what that one says, and what DNS says', () => {
    const one = cause('health', 'db-1 is unready: refused: "not now"');
    expect(detailWithCauses('ordinal_unavailable', 'db-1 is unready: refused', ALL, one, 5000)).toBe(
      'db-1 is unready: refused: "not now", for 4 s; NXDOMAIN, for 4 s',
    );
  });
});

it('a storm of refusals asks for the causes four times a second, and sees a change of the backend at once', () => {
  const cell = new SnapshotCell(emptySnapshot(configWith(), ''));
  let asked = 0;
  cell.causes = {
    of: () => {
      asked++;
      return [cause('dns', `NXDOMAIN ${asked}`)];
    },
    ofPod: () => null,
  };
  const backend = backendOf([], 'unconfigured');
  const why = (of: typeof backend, nowMs: number) =>
    whyRefused(cell, 'no_endpoint', 'no Pod', of, null, nowMs);
  for (let n = 0; n < 10_000; n++) why(backend, 5000 + n / 10);
  expect(asked).toBe(4);
  expect(why(backend, 5999)).toBe('no Pod; NXDOMAIN 4, for 4 s');
  expect(why(backendOf([pod(0, 'unready')], 'unconfigured'), 5999)).toBe('no Pod; NXDOMAIN 5, for 4 s');
});
