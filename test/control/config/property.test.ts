import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseConfig } from '../../../src/control/config/parse.ts';
import { formatProblem } from '../../../src/control/config/problem.ts';
import { sample, textOf } from './sample.ts';

const good = textOf(sample());

function expectSound(text: string): void {
  const result = parseConfig(text, 'f.yaml', { A: '1' });
  if (result.ok) return;
  expect(result.problems.length).toBeGreaterThan(0);
  for (const problem of result.problems)
    expect(formatProblem(problem)).toMatch(/^f\.yaml:[1-9]\d*:[1-9]\d*: [^\n\r]+$/);
}

it('no text throws, and every problem is one line with a place', () => {
  const piece = fc.constantFrom(
    '- ',
    ': ',
    '{',
    '}',
    '[',
    ']',
    '&a ',
    '*a',
    '${',
    '}',
    '"',
    "'",
    '\n',
    '  ',
    '\t',
    '|\n',
    '!!x ',
    '<<',
    'backends',
    'name',
    '0',
    '~',
    '\u0000',
    '\ud800',
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(piece, fc.string()), { maxLength: 30 }), (parts) =>
      expectSound(parts.join('')),
    ),
    { numRuns: 500 },
  );
});

it('nor does any change of a good one', () => {
  fc.assert(
    fc.property(fc.nat(good.length), fc.nat(20), fc.string({ maxLength: 8 }), (at, length, by) =>
      expectSound(good.slice(0, at) + by + good.slice(at + length)),
    ),
    { numRuns: 150 },
  );
});

it('nor does any value under any key', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('document', 'backend', 'listener', 'rule'),
      fc.constantFrom(
        'health',
        'leader',
        'discovery',
        'rules',
        'matches',
        'selection',
        'backendRefs',
        'limits',
        'self',
        'listeners',
        'backends',
        'retry',
      ),
      fc.jsonValue(),
      (part, key, value) => expectSound(textOf(sample({ [part]: { [key]: value } }))),
    ),
    { numRuns: 500 },
  );
});

/** Words of the YAML library, and of its specification, that tell a person nothing. */
const INTERNAL =
  /implicit|\bflow\b|scalar|compact|sequence|directive|\bnode\b|unexpected|token|indicator|undefined|\[object/i;

it('a character less in the example of the contract is told near its line, in the words of people', () => {
  const example = readFileSync(new URL('./files/contract.yaml', import.meta.url), 'utf8');
  const inComment = (at: number): boolean =>
    /#[^\n]*$/.test(example.slice(example.lastIndexOf('\n', at - 1) + 1, at));
  const place = fc.nat(example.length - 1).filter((at) => !inComment(at));
  fc.assert(
    fc.property(place, (at) => {
      const result = parseConfig(example.slice(0, at) + example.slice(at + 1), 'f.yaml', {});
      if (result.ok) return;
      for (const problem of result.problems) {
        expect(formatProblem(problem)).toMatch(/^f\.yaml:[1-9]\d*:[1-9]\d*: [^\n\r]+$/);
        expect(problem.message).not.toMatch(INTERNAL);
      }
    }),
    { numRuns: 60 },
  );
});
