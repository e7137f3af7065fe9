import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FanOutSelection } from '../../../src/model/config.ts';
import { answerOf, Unbounded } from './support.ts';

const selection: FanOutSelection = {
  type: 'FanOut',
  over: 'All',
  respond: 'Merge',
  minSuccess: null,
  merge: { type: 'JSONLines' },
  maxResponseBytes: 1 << 20,
  allowUnsafe: false,
};

/** What is kept of a body, or null where it cannot be merged. */
function keptOf(text: string, pieceBytes: number): string | null {
  const source = new Unbounded();
  const answer = { pod: 'a', status: 200, headers: [], body: Buffer.from(text) };
  const { body, finding } = answerOf(selection, answer, { pieceBytes, source });
  if (finding.type !== 'lines') {
    expect(finding).toEqual({ type: 'unusable', reason: 'a line of its body is not JSON' });
    expect(source.bytes, 'bytes held of an answer of no use').toBe(0);
    return null;
  }
  expect(source.bytes).toBe(body.list.reduce((sum, block) => sum + block.length, 0));
  const bytes = Buffer.concat(body.list).subarray(0, body.length);
  return `${bytes.toString()}${finding.isOpen ? '\n' : ''}`;
}

/** The same by splitting and parsing. */
function expectedOf(text: string): string | null {
  let kept = '';
  for (const line of text.split('\n')) {
    const json = line.replace(/^[ \t\r]+|[ \t\r]+$/g, '');
    if (json === '') continue;
    try {
      JSON.parse(json);
    } catch {
      return null;
    }
    kept += `${json}\n`;
  }
  return kept;
}

describe('lines of JSON', () => {
  it.each([
    ['', ''],
    ['\n\n', ''],
    ['1', '1\n'],
    [' 1 ', '1\n'],
    ['1\r\n2\r\n', '1\n2\n'],
    ['1\n\n\n2', '1\n2\n'],
    ['\ufeff1\n', '1\n'],
    ['{"a":\n1}', null],
    ['[1\n]', null],
    ['"a\nb"', null],
    ['1 2', null],
    ['tru\n', null],
    ['1\n{', null],
  ])('%j', (text, expected) => {
    for (const pieceBytes of [1, 2, 1000]) expect(keptOf(text, pieceBytes)).toBe(expected);
  });

  it('of any kind, with any space around, in any pieces', () => {
    const space = fc.string({ unit: fc.constantFrom(' ', '\t', '\r'), maxLength: 3 });
    const line = fc.tuple(
      space,
      fc.oneof({ weight: 9, arbitrary: fc.json({ maxDepth: 2 }) }, fc.constant(''), fc.constant('{')),
      space,
    );
    const body = fc.array(line, { maxLength: 8 }).map((all) => all.map((parts) => parts.join('')).join('\n'));
    fc.assert(
      fc.property(body, fc.boolean(), fc.integer({ min: 1, max: 40 }), (text, ends, pieceBytes) => {
        const whole = ends ? `${text}\n` : text;
        expect(keptOf(whole, pieceBytes)).toBe(expectedOf(whole));
      }),
      { numRuns: 1500 },
    );
  });

  it('over many blocks', () => {
    const text = Array.from(
      { length: 30_000 },
      (_, n) => `${' '.repeat(n % 5)}{"n":${n}}${' '.repeat(n % 3)}`,
    ).join('\n');
    for (const pieceBytes of [1000, 65_536, 10_000_000])
      expect(keptOf(text, pieceBytes) === expectedOf(text)).toBe(true);
  });
});
