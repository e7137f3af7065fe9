import { describe, expect, it } from 'vitest';
import { chooseBackend } from '../../../src/data/pick/choose-backend.ts';

describe('weights between backends (Gateway API, BackendRef.weight)', () => {
  it('each gets its share of the interval', () => {
    const refs = [
      { name: 'db', weight: 90 },
      { name: 'off', weight: 0 },
      { name: 'canary', weight: 10 },
    ];
    const at = (r: number): string | null => chooseBackend(refs, () => r);
    expect([at(0), at(0.8999), at(0.9), at(0.999999999)]).toEqual(['db', 'db', 'canary', 'canary']);
  });

  it('a weight of 0 gets nothing, not even alone', () => {
    expect(chooseBackend([{ name: 'db', weight: 0 }], () => 0)).toBeNull();
    expect(
      chooseBackend(
        [
          { name: 'a', weight: 0 },
          { name: 'b', weight: 0 },
        ],
        () => 0,
      ),
    ).toBeNull();
    expect(
      chooseBackend(
        [
          { name: 'a', weight: 0 },
          { name: 'b', weight: 1 },
        ],
        () => 0,
      ),
    ).toBe('b');
    expect(
      chooseBackend(
        [
          { name: 'a', weight: 1 },
          { name: 'b', weight: 0 },
        ],
        () => 1,
      ),
    ).toBe('a');
    expect(chooseBackend([], () => 0)).toBeNull();
  });

  it('draws nothing where there is nothing to choose', () => {
    const never = (): number => {
      throw new Error('drew');
    };
    expect(chooseBackend([{ name: 'db', weight: 1 }], never)).toBe('db');
  });
});
