/** The demo's proof (issue 10 item 10) must be able to fail. */
import { expect, it } from 'vitest';
import { verifyWrites } from '../../src/demo/verify.ts';

const seen = {
  acknowledged: new Map([
    ['w1', 'db-0'],
    ['w2', 'db-1'],
  ]),
  unknown: new Set(['w3', 'w4']),
  refused: new Set(['w5']),
};

function verdict(logs: Record<string, string[]>) {
  return verifyWrites(seen, new Map(Object.entries(logs)));
}

it('holds where each acknowledged write is once in the log of the Pod that acknowledged it', () => {
  expect(verdict({ 'db-0': ['w1', 'w3'], 'db-1': ['w2'] })).toEqual({
    ok: true,
    lost: [],
    doubled: [],
    refusedYetWritten: [],
    strangers: [],
    unknownWritten: 1,
  });
});

it.each([
  ['an acknowledged write is nowhere', { 'db-0': ['w1'], 'db-1': [] }, { lost: ['w2'] }],
  [
    'it is in the log of a Pod that did not acknowledge it',
    { 'db-0': ['w1', 'w2'], 'db-1': [] },
    { lost: ['w2'] },
  ],
  ['one Pod wrote twice', { 'db-0': ['w1', 'w1'], 'db-1': ['w2'] }, { doubled: ['w1'] }],
  ['two Pods wrote it', { 'db-0': ['w1', 'w2'], 'db-1': ['w2'] }, { doubled: ['w2'] }],
  ['an unknown one was written twice', { 'db-0': ['w1', 'w3'], 'db-1': ['w2', 'w3'] }, { doubled: ['w3'] }],
  [
    'one said to be unsent was written',
    { 'db-0': ['w1', 'w5'], 'db-1': ['w2'] },
    { refusedYetWritten: ['w5'] },
  ],
  ['one that nobody sent was written', { 'db-0': ['w1', 'w9'], 'db-1': ['w2'] }, { strangers: ['w9'] }],
])('fails where %s', (_story, logs, broken) => {
  expect(verdict(logs as unknown as Record<string, string[]>)).toMatchObject({ ok: false, ...broken });
});
