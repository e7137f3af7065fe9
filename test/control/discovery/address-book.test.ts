/** What is known of a name over both families while one of them fails (case N4). */
import { describe, expect, it } from 'vitest';
import { type AddressAnswer, AddressBook } from '../../../src/control/discovery/questions/address-book.ts';
import { type Answer, failure } from '../../../src/control/discovery/wire/answer.ts';
import type { Resolver } from '../../../src/control/discovery/wire/resolver.ts';

const NAME = 'db-0.db';

/** Nobody is asked: both families' answers are given. */
const nobody: Resolver = {
  lookup: () => Promise.reject(new Error('not to be asked')),
  close() {},
};

function found(ttlMs: number, ...addresses: string[]): Answer {
  return {
    result: 'success',
    owner: NAME,
    values: addresses.map((address) => ({ kind: 'address', address })),
    additionals: [],
    ttlMs,
  };
}
const empty = (ttlMs: number | null = 5000): Answer => ({ result: 'empty', ttlMs });
const nxdomain: Answer = { result: 'nxdomain', ttlMs: 5000 };
const servfail = failure('servfail', 'SERVFAIL');
const of = (answer: AddressAnswer): readonly string[] | string =>
  answer.kind === 'addresses' ? answer.addresses : answer.kind;

describe('one family fails', () => {
  it.each([
    ['A', (book: AddressBook) => book.merge(NAME, servfail, found(5000, 'fd00::1'))],
    ['AAAA', (book: AddressBook) => book.merge(NAME, found(5000, '10.0.0.1'), servfail)],
  ])('%s: what it showed last stays', (_, ask) => {
    const book = new AddressBook(nobody);
    book.merge(NAME, found(5000, '10.0.0.1'), found(5000, 'fd00::1'));
    expect(of(ask(book))).toEqual(['10.0.0.1', 'fd00::1']);
    expect(ask(book)).toMatchObject({ problem: 'SERVFAIL' });
  });

  it('what was gone in between does not come back', () => {
    const book = new AddressBook(nobody);
    book.merge(NAME, found(5000, '10.0.0.1'), empty());
    expect(of(book.merge(NAME, nxdomain, nxdomain))).toBe('absent');
    expect(of(book.merge(NAME, servfail, found(5000, 'fd00::1')))).toEqual(['fd00::1']);
  });

  it.each([
    ['no record of the other says nothing', empty(), [], 'failed'],
    ['NXDOMAIN of the other holds for both (RFC 8020)', nxdomain, [], 'absent'],
    // RFC 4074 section 4.2.
    ['unless the one that fails has had addresses', nxdomain, ['10.0.0.1'], 'failed'],
    ['no record of the other, and addresses before', empty(), ['10.0.0.1'], 'failed'],
  ] as const)('%s', (_, aaaa, known, expected) => {
    const book = new AddressBook(nobody);
    if (known.length > 0) book.merge(NAME, found(5000, ...known), empty());
    expect(of(book.merge(NAME, servfail, aaaa))).toBe(expected);
  });
});

describe('how long an answer is good', () => {
  it.each([
    ['the shorter of both', found(9000, '10.0.0.1'), found(4000, 'fd00::1'), 4000],
    ['of the family that exists, not of the one that does not', found(9000, '10.0.0.1'), empty(1000), 9000],
    ['of nobody: the shorter again', empty(9000), nxdomain, 5000],
    ['of nobody, one without a hint', empty(null), empty(7000), 7000],
    ['no hint at all', empty(null), empty(null), null],
  ])('%s', (_, a, aaaa, expected) => {
    expect(new AddressBook(nobody).merge(NAME, a, aaaa)).toMatchObject({ ttlMs: expected });
  });
});

it('forgets names that are of no interest any more', () => {
  const book = new AddressBook(nobody);
  book.remember(NAME, ['10.0.0.1']);
  book.keepOnly(new Set(['other']));
  expect(book.last(NAME)).toEqual([]);
});
