import { expect, test } from 'vitest';
import { nemesisNamed } from '../nemeses/all.ts';
import { mutated } from './build.ts';
import { MUTATIONS } from './table.ts';

// Whether each catches its bug is for `npm run chaos -- --mutations`; that each still is one is cheap to see.

for (const mutation of MUTATIONS)
  test(`the program can still be made to do wrong: ${mutation.name}`, () => {
    expect(mutated(mutation).size).toBeGreaterThan(0);
    expect(nemesisNamed(mutation.nemesis).name).toBe(mutation.nemesis);
  });
