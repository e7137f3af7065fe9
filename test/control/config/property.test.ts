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
    { numRuns: 500 },
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
