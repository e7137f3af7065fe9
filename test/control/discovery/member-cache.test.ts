import { expect, it } from 'vitest';
import { anonymous, member } from '../../../src/control/discovery/questions/identity.ts';
import { MemberCache } from '../../../src/control/discovery/questions/member-cache.ts';

// SPEC 6, promise 9: a round over 1,000 unchanged Pods must not read 1,000 names again.
it('makes a Pod once for as long as each round names it, and again after one that did not', () => {
  const cache = new MemberCache();
  let made = 0;
  const of = (address: string) =>
    cache.of(address, () => {
      made++;
      return member(anonymous(address), [address], 80);
    });
  const first = of('10.0.0.1');
  expect(of('10.0.0.1')).toBe(first);
  for (let round = 0; round < 3; round++) {
    cache.endRound();
    expect(of('10.0.0.1')).toBe(first);
  }
  expect(made).toBe(1);
  cache.endRound();
  cache.endRound();
  expect(of('10.0.0.1')).toEqual(first);
  expect(made).toBe(2);
});
