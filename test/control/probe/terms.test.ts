import { expect, it } from 'vitest';
import { compareTerms, termOfNumber, termOfText } from '../../../src/control/probe/terms.ts';

const LONGEST = '9'.repeat(20);

it.each([
  ['7', '7'],
  [' 7 ', '7'],
  ['007', '7'],
  ['0', '0'],
  ['18446744073709551615', '18446744073709551615'],
  [LONGEST, LONGEST],
  [`${'0'.repeat(60)}${LONGEST}`, LONGEST],
  [`1${LONGEST}`, null],
  ['9'.repeat(60_000), null],
  ['', null],
  ['-7', null],
  ['7.5', null],
  ['0x7', null],
  ['7 8', null],
])('a text %j shows the term %j', (text, term) => {
  expect(termOfText(text)).toBe(term);
});

it.each([
  ['7', '7'],
  ['7.0', '7'],
  ['1e3', '1000'],
  ['1e19', `1${'0'.repeat(19)}`],
  ['1e20', null],
  ['1e999', null],
  ['7.5', null],
  ['-7', null],
  [LONGEST, LONGEST],
  [`1${LONGEST}`, null],
])('a JSON number %s shows the term %j', (source, term) => {
  expect(termOfNumber(source)).toBe(term);
});

it('compares them as numbers of any size', () => {
  expect(compareTerms('9', '10')).toBeLessThan(0);
  expect(compareTerms('9007199254740993', '9007199254740992')).toBeGreaterThan(0);
  expect(compareTerms(LONGEST, LONGEST)).toBe(0);
});
