import { describe, expect, it } from 'vitest';
import type { Member } from '../../../src/control/discovery/contract.ts';
import { Membership, type Round } from '../../../src/control/discovery/membership/membership.ts';
import { identityOf, member } from '../../../src/control/discovery/questions/identity.ts';

const scope = { services: ['db.ns'], statefulSet: null };
function pod(n: number, addresses = [`10.0.0.${n}`], port = 80): Member {
  return member(identityOf(`db-${n}.db.ns`, addresses, scope), addresses, port);
}
function members(...list: Member[]): Round {
  return { kind: 'members', members: list, complete: true, ttlMs: 5000, problem: null };
}
const empty: Round = { kind: 'empty', ttlMs: 5000, nxdomain: true, detail: 'NXDOMAIN' };
const failed: Round = { kind: 'failed', how: 'servfail', detail: 'SERVFAIL' };
const names = (list: readonly Member[] | null): string[] | null => list?.map((m) => m.name) ?? null;

describe('Membership', () => {
  it('says nothing when nothing changed, in whatever order (D01)', () => {
    const held = new Membership({ absence: 2, emptyHoldMs: 30_000 });
    expect(names(held.apply(members(pod(1), pod(2)), 0))).toEqual(['db-1', 'db-2']);
    expect(held.apply(members(pod(2), pod(1)), 1)).toBeNull();
    expect(held.apply(members(pod(2, ['10.0.0.2', '10.0.0.2']), pod(1)), 1)).toBeNull();
  });

  it('drops a Pod that is missing from `absence` answers in a row, not from fewer', () => {
    const held = new Membership({ absence: 3, emptyHoldMs: 30_000 });
    held.apply(members(pod(1), pod(2)), 0);
    expect(held.apply(members(pod(1)), 1)).toBeNull();
    expect(held.apply(members(pod(1)), 2)).toBeNull();
    expect(held.apply(members(pod(1), pod(2)), 3)).toBeNull();
    expect(held.apply(members(pod(1)), 4)).toBeNull();
    expect(held.apply(failed, 5)).toBeNull();
    expect(held.apply(empty, 5)).toBeNull();
    expect(held.apply(members(pod(1)), 6)).toBeNull();
    expect(names(held.apply(members(pod(1)), 7))).toEqual(['db-1']);
  });

  it('believes the first shorter answer where absence is 1', () => {
    const held = new Membership({ absence: 1, emptyHoldMs: 30_000 });
    held.apply(members(pod(1), pod(2)), 0);
    expect(names(held.apply(members(pod(1)), 1))).toEqual(['db-1']);
  });

  it('D04 believes an empty answer after emptyHold only, counted from the first one', () => {
    const held = new Membership({ absence: 2, emptyHoldMs: 30_000 });
    held.apply(members(pod(1)), 0);
    expect(held.emptyLeftMs(0)).toBeNull();
    expect(held.apply(empty, 1000)).toBeNull();
    expect(held.emptyLeftMs(11_000)).toBe(20_000);
    expect(held.apply(failed, 20_000)).toBeNull();
    expect(held.apply(empty, 30_999)).toBeNull();
    expect(names(held.apply(empty, 31_000))).toEqual([]);
    expect(held.emptyLeftMs(31_000)).toBeNull();
  });

  it('N7 starts the hold anew after an answer', () => {
    const held = new Membership({ absence: 2, emptyHoldMs: 30_000 });
    held.apply(members(pod(1)), 0);
    held.apply(empty, 1000);
    held.apply(members(pod(1)), 20_000);
    expect(held.apply(empty, 32_000)).toBeNull();
    expect(held.members()).toHaveLength(1);
  });

  it('shows a new address of a known Pod as a change of that Pod', () => {
    const held = new Membership({ absence: 2, emptyHoldMs: 30_000 });
    held.apply(members(pod(1)), 0);
    const changed = held.apply(members(pod(1, ['10.0.0.9'])), 1);
    expect(changed?.map((m) => [m.key, m.addresses])).toEqual([[pod(1).key, ['10.0.0.9']]]);
  });

  it('takes an address from a missing Pod at once when another Pod has it', () => {
    const held = new Membership({ absence: 5, emptyHoldMs: 30_000 });
    held.apply(members(pod(1), pod(2)), 0);
    expect(names(held.apply(members(pod(2), pod(3, ['10.0.0.1'])), 1))).toEqual(['db-2', 'db-3']);
  });

  it('leaves a missing Pod the addresses that nobody else has', () => {
    const held = new Membership({ absence: 5, emptyHoldMs: 30_000 });
    held.apply(members(pod(1, ['10.0.0.1', 'fd00::1'])), 0);
    const now = held.apply(members(pod(3, ['10.0.0.1'])), 1);
    expect(now?.map((m) => [m.name, m.addresses])).toEqual([
      ['db-1', ['fd00::1']],
      ['db-3', ['10.0.0.1']],
    ]);
  });

  it('keeps two Pods on one address with different ports', () => {
    const held = new Membership({ absence: 2, emptyHoldMs: 30_000 });
    const both = held.apply(members(pod(1, ['127.0.0.1'], 81), pod(2, ['127.0.0.1'], 82)), 0);
    expect(both).toHaveLength(2);
  });

  it('only adds by an answer that is known to be short, and by Pods seen before a round ends', () => {
    const held = new Membership({ absence: 1, emptyHoldMs: 30_000 });
    held.apply(members(pod(1), pod(2)), 0);
    expect(names(held.apply({ ...members(pod(3)), complete: false } as Round, 1))).toEqual([
      'db-1',
      'db-2',
      'db-3',
    ]);
    expect(held.add([pod(1, ['10.9.9.9'])])).toBeNull();
    expect(names(held.add([pod(4)]))).toEqual(['db-1', 'db-2', 'db-3', 'db-4']);
  });

  it('a Pod that a short answer shows is not missing from it', () => {
    const held = new Membership({ absence: 2, emptyHoldMs: 30_000 });
    held.apply(members(pod(1), pod(2)), 0);
    held.apply(members(pod(1)), 1);
    held.apply({ ...members(pod(2)), complete: false } as Round, 2);
    expect(held.apply(members(pod(1)), 3)).toBeNull();
    expect(names(held.apply(members(pod(1)), 4))).toEqual(['db-1']);
  });

  it('a short answer ends an emptiness as a whole one does', () => {
    const held = new Membership({ absence: 2, emptyHoldMs: 30_000 });
    held.apply(members(pod(1)), 0);
    held.apply(empty, 1000);
    held.apply({ ...members(pod(1)), complete: false } as Round, 20_000);
    expect(held.apply(empty, 32_000)).toBeNull();
    expect(names(held.apply(empty, 62_000))).toEqual([]);
  });

  it('a missing Pod keeps its address although another Pod has it on another port', () => {
    const held = new Membership({ absence: 5, emptyHoldMs: 30_000 });
    held.apply(members(pod(1, ['127.0.0.1'], 81)), 0);
    expect(names(held.apply(members(pod(2, ['127.0.0.1'], 82)), 1))).toEqual(['db-1', 'db-2']);
  });
});
