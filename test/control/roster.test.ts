/** Who is the same Pod as before. */
import { describe, expect, it } from 'vitest';
import { Roster } from '../../src/control/roster.ts';
import { member } from './harness.ts';

const roster = (): Roster => new Roster(() => null);

describe('a Pod under its name', () => {
  it.each([
    ['the same addresses', ['10.0.0.1', 'fd00::1'], true],
    ['one of them gone', ['fd00::1'], true],
    ['one more', ['10.0.0.1', 'fd00::1', 'fd00::2'], true],
    ['one of two replaced', ['10.0.0.9', 'fd00::1'], true],
    ['all replaced', ['10.0.0.9', 'fd00::9'], false],
  ])('with %s is the same Pod: %s %s', (_, addresses, same) => {
    const known = roster();
    const [before] = known.update([member('db-0', ['10.0.0.1', 'fd00::1'])]).joined;
    const { joined, left } = known.update([member('db-0', addresses)]);
    expect([joined.length, left.length]).toEqual(same ? [0, 0] : [1, 1]);
    const [present] = [...known.present()];
    expect(present!.id === before!.id).toBe(same);
    expect(present!.member.addresses).toEqual(addresses);
  });

  it('on another port is another Pod', () => {
    const known = roster();
    known.update([member('db-0', '10.0.0.1', 80)]);
    expect(known.update([member('db-0', '10.0.0.1', 81)]).joined).toHaveLength(1);
  });
});

it('keeps the last 1,000 that left, in case the end of their requests is never told', () => {
  const known = roster();
  const ids: number[] = [];
  for (let n = 0; n <= 1002; n++)
    ids.push(known.update([member(`db-${n}`, `10.1.${n >> 8}.${n & 255}`)]).joined[0]!.id);
  expect([...known.departed()].map(({ id }) => id)).toEqual(ids.slice(2, -1));
  expect([known.drained(ids[0]!), known.drained(ids[2]!), known.drained(ids[2]!)]).toEqual([
    false,
    true,
    false,
  ]);
});
