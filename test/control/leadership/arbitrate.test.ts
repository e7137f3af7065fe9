/** Who leads, of which claims (SPEC 3, Leadership; promise 5). */
import { describe, expect, it } from 'vitest';
import { arbitrate, type Claimant, type Past } from '../../../src/control/leadership/arbitrate.ts';
import type { SeenTerm } from '../../../src/control/probe/terms.ts';

/** `a9` claims with term 9; `a` shows none; `a9!` is unready. */
function claims(text: string): Claimant[] {
  return text.split(' ').flatMap((word) => {
    const match = /^([a-z])(\d*)(!?)$/.exec(word);
    if (match === null) return [];
    const [, name, term, unready] = match as unknown as [string, string, string, string];
    return [
      {
        podId: name.charCodeAt(0),
        name,
        ready: unready === '',
        term: term === '' ? null : term,
        lineage: null,
      },
    ];
  });
}

/** Nothing but a term was seen. */
function past(highestTerm: SeenTerm | null = null): Past {
  return { highestTerm, reigning: null, named: null, objection: () => null };
}

/** The leader's name, or why there is none. */
function judge(text: string, before: SeenTerm | null, onConflict: 'Refuse' | 'HighestTerm'): string {
  const { state, leaderId, term } = arbitrate(claims(text), past(before), onConflict);
  return state === 'known' ? `${String.fromCharCode(leaderId!)} ${term ?? '-'}` : state;
}

describe('one claims, or several', () => {
  it.each([
    ['', 'none', 'none'],
    ['a', 'a -', 'a -'],
    ['a!', 'none', 'none'],
    ['a! b', 'b -', 'b -'],
    ['a b', 'conflict', 'conflict'],
    ['a b!', 'a -', 'a -'],
    ['a1 b2', 'conflict', 'b 2'],
    ['a10 b9', 'conflict', 'a 10'],
    ['a9 b10', 'conflict', 'b 10'],
    // Two with the highest term, in any order, and a third below or above them.
    ['a2 b2', 'conflict', 'conflict'],
    ['a2 b2 c1', 'conflict', 'conflict'],
    ['a1 b2 c2', 'conflict', 'conflict'],
    ['a2 b1 c2', 'conflict', 'conflict'],
    ['a2 b2 c3', 'conflict', 'c 3'],
    // One that shows no term cannot be compared.
    ['a1 b2 c', 'conflict', 'conflict'],
    ['c a1 b2', 'conflict', 'conflict'],
    ['a1 b2 c!', 'conflict', 'b 2'],
  ])('%s: Refuse %s, HighestTerm %s', (text, refuse, highest) => {
    expect([judge(text, null, 'Refuse'), judge(text, null, 'HighestTerm')]).toEqual([refuse, highest]);
  });
});

describe('promise 5: a term that was seen is seen for good', () => {
  it.each([
    ['of a leader', 'a7'],
    ['of one that is unready', 'a7!'],
    ['of one that is unready beside a leader without a term', 'a7! b'],
    ['of one in a conflict', 'a7 b3'],
    ['of one that claimed too low itself', 'a7 b9!'],
  ])('%s: %s', (_, text) => {
    const { highestTerm } = arbitrate(claims(text), past(), 'Refuse');
    expect(highestTerm).toEqual(
      text.includes('9') ? { term: '9', shownBy: 'b' } : { term: '7', shownBy: 'a' },
    );
    expect(judge('c6', highestTerm, 'Refuse')).toBe('none');
    expect(judge('c10', highestTerm, 'Refuse')).toBe('c 10');
  });

  it.each(['Refuse', 'HighestTerm'] as const)(
    '%s: an unready claimant with a higher term keeps a lower one out',
    (onConflict) => {
      expect(judge('a7! b6', null, onConflict)).toBe('none');
      expect(judge('a6! b7', null, onConflict)).toBe('b 7');
      expect(judge('a9! b7 c6', null, onConflict)).toBe(onConflict === 'Refuse' ? 'conflict' : 'none');
    },
  );

  it('it is not lowered by what comes after', () => {
    let seen: SeenTerm | null = null;
    for (const text of ['a5', 'a12 b3', '', 'a2!', 'b', 'a11'])
      seen = arbitrate(claims(text), past(seen), 'Refuse').highestTerm;
    expect(seen).toEqual({ term: '12', shownBy: 'a' });
  });

  it('a claim that shows no term is believed whatever was seen', () => {
    expect(judge('a', { term: '7', shownBy: 'z' }, 'Refuse')).toBe('a -');
  });

  it('the reason names both terms, and who showed the higher one', () => {
    const { reason } = arbitrate(claims('a7! b6'), past(), 'Refuse');
    expect(reason).toBe('b claims with term 6, but term 7 was seen, which a showed');
  });
});

it('names every claimant, in the order of the claims, and who is unready', () => {
  expect(arbitrate(claims('a! b c!'), past(), 'Refuse').claimants).toEqual(['a', 'b', 'c']);
  expect(arbitrate(claims('a! b!'), past(), 'Refuse').reason).toBe(
    'a claims but is unready; b claims but is unready',
  );
});
