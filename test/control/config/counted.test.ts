import { expect, it } from 'vitest';
import { stringify } from 'yaml';
import { placesOf, sample } from './sample.ts';

const withRules = (count: number, rule: (n: number) => object) =>
  sample({
    listener: {
      rules: Array.from({ length: count }, (_, n) => ({
        name: `r${n}`,
        matches: [{ path: { value: `/${n}` } }],
        backendRefs: [{ name: 'db' }],
        ...rule(n),
      })),
    },
  });

it('a thousand equal mistakes are one line with their number, whatever their values', () => {
  const text = stringify(withRules(1000, (n) => ({ timeouts: { request: n + 1 } })));
  const last = text.trimEnd().split('\n').length;
  expect(placesOf(text)).toEqual([
    `f.yaml:18:20: listeners[0].rules[0].timeouts.request: must be a duration such as 10s, is the number 1: write 1s or 1ms (and 999 more like it, to line ${last})`,
  ]);
});

it('so are unknown keys of different names, and tabs', () => {
  const unknown = placesOf(withRules(30, (n) => ({ [`zz${n}`]: 1 })));
  expect(unknown).toEqual([
    expect.stringMatching(
      /rules\[0\]\.zz0: unknown key; known here: .* \(and 29 more like it, to line \d+\)$/,
    ),
  ]);
  const tabs = placesOf(stringify(withRules(30, () => ({}))).replaceAll('      - name', '\t      - name'));
  expect(tabs[0]).toMatch(/^f\.yaml:11:1: a tab indents this line: use blanks \(and 59 more like it/);
});

it('twenty are listed, and others beside them stay', () => {
  expect(placesOf(withRules(20, () => ({ timeouts: { request: 1 } })))).toHaveLength(20);
  expect(placesOf(withRules(21, () => ({ timeouts: { request: 1 } })))).toEqual([
    expect.stringContaining('(and 20 more like it'),
  ]);
  const counted = placesOf(
    withRules(22, (n) => ({ timeouts: { request: 1 }, ...(n === 5 ? { retry: 3 } : {}) })),
  );
  expect(counted).toEqual([
    expect.stringContaining('(and 21 more like it'),
    expect.stringContaining('rules[5].retry: must be a mapping'),
  ]);
});
