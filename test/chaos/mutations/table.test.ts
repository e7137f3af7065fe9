import { transform } from 'esbuild';
import { expect, test } from 'vitest';
import { nemesisNamed } from '../nemeses/all.ts';
import { mutated } from './build.ts';
import { MUTATIONS } from './table.ts';

// Whether each is caught is for `npm run chaos -- --mutations`; that each still is a bug of these sources is cheap to see.

for (const mutation of MUTATIONS)
  test(`the program can still be made to do wrong: ${mutation.name}`, async () => {
    const sources = mutated(mutation);
    expect(sources.size).toBeGreaterThan(0);
    for (const source of sources.values()) await transform(source, { loader: 'ts' });
    expect(nemesisNamed(mutation.nemesis).name).toBe(mutation.nemesis);
  });
