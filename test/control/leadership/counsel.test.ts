/** What is made of claims where somebody names a leader, or announces a change, from outside. */
import { describe, expect, it } from 'vitest';
import type { Claimant } from '../../../src/control/leadership/arbitrate.ts';
import type { AnnouncedChange, Counsel } from '../../../src/control/leadership/counsel.ts';
import { Judge } from '../../../src/control/leadership/judge.ts';

const GRACE_MS = 30_000;
const NAMES = ['db-0', 'db-1', 'db-2'];

/** One judge, what is seen of its Pods, and what is said of them. */
class Court {
  readonly judge = new Judge();
  nowMs = 0;
  leaderId: number | null = null;
  silent = new Set<number>();
  denying = new Set<number>();
  counsel: Counsel = { change: null, named: null, reason: 'as Sentinels say' };

  names(podId: number | null): void {
    const named = podId === null ? null : { podId, name: NAMES[podId]! };
    this.counsel = { ...this.counsel, named };
  }

  announces(change: AnnouncedChange | null): void {
    this.counsel = { ...this.counsel, change };
  }

  judges(...claims: readonly Claimant[]) {
    const judgement = this.judge.judge(claims, {
      onConflict: 'Refuse',
      nowMs: this.nowMs,
      wallMs: this.nowMs,
      leaderId: this.leaderId,
      isPresent: () => true,
      denies: (podId) => this.denying.has(podId),
      isSilent: (podId) => this.silent.has(podId),
      counsel: this.counsel,
    });
    this.leaderId = judgement.leaderId;
    return judgement;
  }

  leader(...claims: readonly Claimant[]): string {
    const { state, leaderId } = this.judges(...claims);
    return leaderId === null ? state : NAMES[leaderId]!;
  }
}

/** @param lineage `b/a`, `a` for one that was never promoted, or '' for none */
function claim(podId: number, lineage = '', ready = true): Claimant {
  const [id, previous] = lineage.split('/');
  return {
    podId,
    name: NAMES[podId]!,
    ready,
    term: null,
    lineage: lineage === '' ? null : { id: id!, previous: previous ?? null },
  };
}

const CHANGE: AnnouncedChange = { of: {}, from: 0, reason: 'Sentinel m is failing over from db-0' };

describe('a named Pod that is silent', () => {
  it('keeps others from leading for 30 s, and no longer: it may be named for good', () => {
    const court = new Court();
    court.names(1);
    court.silent.add(1);
    expect(court.leader(claim(0))).toBe('none');
    expect(court.judge.changesInMs(court.nowMs)).toBe(GRACE_MS);
    court.nowMs += GRACE_MS - 1;
    expect(court.leader(claim(0))).toBe('none');
    court.nowMs += 1;
    expect(court.leader(claim(0))).toBe('db-0');
    // Nor again, when the majority is lost and found.
    court.names(null);
    expect(court.leader(claim(0))).toBe('db-0');
    court.names(1);
    expect(court.leader(claim(0))).toBe('db-0');
  });

  it('keeps nobody out that has succeeded it, for as long as it is named', () => {
    const court = new Court();
    court.names(0);
    expect(court.leader(claim(0, 'a'))).toBe('db-0');
    court.silent.add(0);
    court.nowMs += 5000;
    expect(court.leader(claim(1, 'b/a'))).toBe('db-1');
    court.nowMs += 5000;
    expect(court.leader(claim(1, 'b/a'))).toBe('db-1');
  });

  it('that answers keeps nobody out, and claims while it is unready does', () => {
    const court = new Court();
    court.names(1);
    expect(court.leader(claim(0), claim(1, '', false))).toBe('none');
    expect(court.leader(claim(0))).toBe('db-0');
  });

  it('takes the lead from the old master that has led until now', () => {
    const court = new Court();
    court.names(0);
    expect(court.leader(claim(0, 'a'))).toBe('db-0');
    court.silent.add(1);
    court.names(1);
    const { state, reason } = court.judges(claim(0, 'a'));
    expect(state).toBe('none');
    expect(reason).toBe(
      'db-0 claims, but db-1, which is named, has not said that it does not lead; as Sentinels say',
    );
  });
});

describe('of two claimants', () => {
  it('the named one leads where lineage does not tell', () => {
    const court = new Court();
    court.names(1);
    expect(court.leader(claim(0, 'a/x'), claim(1, 'b/y'))).toBe('db-1');
    expect(court.leader(claim(0), claim(1))).toBe('db-1');
  });

  it('the successor leads though the other is named', () => {
    const court = new Court();
    court.names(0);
    expect(court.leader(claim(0, 'a'), claim(1, 'b/a'))).toBe('db-1');
  });

  it('nobody leads where none of them is named', () => {
    const court = new Court();
    court.names(2);
    expect(court.leader(claim(0), claim(1))).toBe('conflict');
  });
});

describe('an announced change', () => {
  it('takes the lead at once from whoever has it, and says whose connections yield', () => {
    const court = new Court();
    court.leader(claim(0));
    court.announces(CHANGE);
    expect(court.judges(claim(0))).toMatchObject({
      state: 'none',
      leaderId: null,
      yielding: 0,
      claimants: ['db-0'],
      reason: CHANGE.reason,
    });
    expect(court.judges(claim(0)).yielding).toBe(0);
    expect(court.judges(claim(0), claim(1))).toMatchObject({ state: 'known', leaderId: 1 });
    expect(court.judges(claim(0), claim(1)).yielding).toBeUndefined();
    // The one that leads by it does not lose the lead to it.
    expect(court.leader(claim(0), claim(1))).toBe('db-1');
  });

  it('takes it from the one that led, too, where another is said to be replaced', () => {
    const court = new Court();
    court.leader(claim(1));
    court.announces(CHANGE);
    expect(court.judges(claim(1), claim(0))).toMatchObject({ state: 'none', yielding: 1 });
    expect(court.leader(claim(1), claim(0), claim(2))).toBe('db-2');
  });

  it('of a Pod that is named and silent keeps nobody else out', () => {
    const court = new Court();
    court.names(0);
    court.silent.add(0);
    expect(court.leader(claim(1))).toBe('none');
    court.announces(CHANGE);
    expect(court.leader(claim(1))).toBe('db-1');
  });

  it('that is given up gives the lead back', () => {
    const court = new Court();
    court.leader(claim(0, 'a'));
    court.announces(CHANGE);
    expect(court.leader(claim(0, 'a'))).toBe('none');
    court.announces(null);
    expect(court.leader(claim(0, 'a'))).toBe('db-0');
  });

  it('whose promotion is taken back gives the lead back at once', () => {
    const court = new Court();
    court.leader(claim(0, 'a'));
    court.announces(CHANGE);
    expect(court.leader(claim(0, 'a'), claim(1, 'b/a'))).toBe('db-1');
    // It is only silent: it may lead on.
    expect(court.leader(claim(0, 'a'))).toBe('none');
    court.denying.add(1);
    expect(court.leader(claim(0, 'a'))).toBe('db-0');
  });

  it('where two others claim that is a conflict, and said to be one', () => {
    const court = new Court();
    court.leader(claim(0));
    court.announces(CHANGE);
    expect(court.judges(claim(0), claim(1), claim(2))).toMatchObject({
      state: 'conflict',
      reason: `${CHANGE.reason}; db-1 and db-2 claim to lead`,
    });
  });
});
