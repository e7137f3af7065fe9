import { describe, expect, it } from 'vitest';
import { type SlicedWork, WorkSlices } from '../../src/platform/work-slices.ts';

let nowMs = 0;
function spend(ms: number): void {
  nowMs += ms;
}
const slicesOf = (): WorkSlices => new WorkSlices(() => nowMs);

function work(steps: number, step: () => void): SlicedWork & { left: number; error: unknown } {
  return {
    left: steps,
    error: null,
    step() {
      step();
      return --this.left > 0;
    },
    crashed(error) {
      this.error = error;
    },
  };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('work in slices', () => {
  it('that is small is done at once', () => {
    const small = work(3, () => {});
    slicesOf().add(small);
    expect(small.left).toBe(0);
  });

  it('that is large leaves off after some milliseconds, so that the loop turns', async () => {
    const slices = slicesOf();
    const large = work(20, () => spend(1));
    slices.add(large);
    let turns = 0;
    for (; large.left > 0; turns++) await turn();
    expect(turns).toBeGreaterThanOrEqual(6);
  });

  it('of one turn is of all together, first come, first served', async () => {
    const slices = slicesOf();
    const order: number[] = [];
    const works = Array.from({ length: 20 }, (_, n) =>
      work(1, () => {
        order.push(n);
        spend(1);
      }),
    );
    for (const one of works) slices.add(one);
    expect(order).toEqual([0, 1, 2]);
    while (order.length < 20) await turn();
    expect(order).toEqual(works.map((_, n) => n));
  });

  it('counts what comes between in the same turn', async () => {
    const slices = slicesOf();
    const [first, late] = [work(1, () => {}), work(1, () => {})];
    slices.add(first);
    spend(4);
    slices.add(late);
    expect([first.left, late.left]).toEqual([0, 1]);
    await turn();
    expect(late.left).toBe(0);
  });

  it('counts what it lets happen', async () => {
    const slices = slicesOf();
    const works = Array.from({ length: 9 }, () => work(1, () => slices.charge(1)));
    for (const one of works) slices.add(one);
    const done = (): number => works.filter(({ left }) => left === 0).length;
    expect(done()).toBe(3);
    await turn();
    expect(done()).toBe(6);
  });

  it('that throws costs itself only', () => {
    const slices = slicesOf();
    const bad = work(1, () => {
      throw new Error('mistake');
    });
    const good = work(1, () => {});
    slices.add(bad);
    slices.add(good);
    expect(bad.error).toMatchObject({ message: 'mistake' });
    expect(good.left).toBe(0);
  });

  it('may add more work, itself too', async () => {
    const slices = slicesOf();
    let times = 0;
    const again: SlicedWork = {
      step() {
        if (++times < 5) slices.add(again);
        return false;
      },
      crashed() {},
    };
    slices.add(again);
    while (times < 5) await turn();
    await turn();
    expect(times).toBe(5);
  });
});
