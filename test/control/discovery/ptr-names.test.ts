/** When addresses are asked for their names: once, and again only after a failure, and not before its time. */
import { expect, it } from 'vitest';
import { eachBounded } from '../../../src/control/discovery/questions/bounded.ts';
import { PtrNames } from '../../../src/control/discovery/questions/ptr-names.ts';
import { type Answer, failure } from '../../../src/control/discovery/wire/answer.ts';
import { VirtualClock } from '../../helpers/virtual-clock.ts';

const A = '10.0.0.1';
const named: Answer = {
  result: 'success',
  owner: '1.0.0.10.in-addr.arpa',
  values: [{ kind: 'name', name: 'db-0.db' }],
  additionals: [],
  ttlMs: 1000,
};

function names(answers: Answer[]) {
  const clock = new VirtualClock();
  const asked: string[] = [];
  const lookup = async (name: string): Promise<Answer> => {
    asked.push(name);
    return answers.shift() ?? named;
  };
  const ptr = new PtrNames({ lookup, close() {} }, clock, ['db'], 30_000, 2000);
  return { clock, asked, ptr, learn: () => ptr.learn([A], () => {}) };
}

it('a failed look-up is made again after its time, not with every round', async () => {
  const { clock, asked, ptr, learn } = names([failure('servfail', 'SERVFAIL')]);
  for (let round = 0; round < 5; round++) {
    await learn();
    clock.advance(5000);
  }
  expect([asked.length, ptr.nameOf(A)]).toEqual([1, null]);
  clock.advance(5000);
  await learn();
  expect([asked.length, ptr.nameOf(A)]).toEqual([2, 'db-0.db']);
  clock.advance(1_000_000);
  await learn();
  expect(asked.length).toBe(2);
});

it('an address that left is asked about anew: it may be another Pod’s', async () => {
  const { asked, ptr, learn } = names([]);
  await learn();
  ptr.keepOnly(new Set([A]));
  await learn();
  expect(asked.length).toBe(1);
  ptr.keepOnly(new Set());
  expect(ptr.nameOf(A)).toBeNull();
  await learn();
  expect(asked.length).toBe(2);
});

it('follow-up queries: some at a time, and none begun once the time is up', async () => {
  const clock = new VirtualClock();
  const ends: (() => void)[] = [];
  const skipped: number[] = [];
  const items = Array.from({ length: 100 }, (_, n) => n);
  const run = (): Promise<void> => new Promise((resolve) => ends.push(resolve));
  const over = eachBounded(items, clock, 2000, run, (item) => skipped.push(item));
  expect(ends.length).toBe(32);
  clock.advance(1999);
  for (const end of ends.splice(0, 32)) end();
  while (ends.length < 32) await new Promise((resolve) => setImmediate(resolve));
  clock.advance(1);
  for (const end of ends.splice(0, 32)) end();
  await over;
  expect(skipped).toEqual(items.slice(64));
});
