import fc from 'fast-check';
import { expect, it } from 'vitest';
import { jsonPieces } from '../../src/admin/json-pieces.ts';
import { pod } from '../helpers/state.ts';

it('the parts are the text that JSON.stringify makes', () => {
  const long = fc.array(fc.jsonValue({ maxDepth: 1 }), { minLength: 90, maxLength: 260 });
  const value = fc.record({
    a: fc.jsonValue(),
    b: long,
    c: fc.array(fc.record({ d: long, e: fc.string() })),
  });
  fc.assert(
    fc.property(value, (given) => {
      expect([...jsonPieces(given)].join('')).toBe(JSON.stringify(given));
    }),
    { numRuns: 50 },
  );
  expect([...jsonPieces({ u: undefined, n: null })].join('')).toBe('{"n":null}');
});

it('1,000 Pods are many small parts', () => {
  const pods = Array.from({ length: 1000 }, (_, i) => pod({ name: `db-${i}` }));
  const parts = [...jsonPieces({ backends: [{ name: 'db', pods }] })];
  expect(parts.join('')).toBe(JSON.stringify({ backends: [{ name: 'db', pods }] }));
  expect(Math.max(...parts.map((part) => part.length))).toBeLessThan(60_000);
});
