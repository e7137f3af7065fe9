import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readHistory } from './published-history.ts';
import { isLinearizable, type RegisterOperation } from './register.ts';

// The checker of the chaos harness, judged by histories whose verdict others have published.

type Row = [kind: 'put' | 'get', value: number | null, callMs: number, returnMs: number];

function history(...rows: Row[]): RegisterOperation<number>[] {
  return rows.map(([kind, value, callMs, returnMs]) => ({
    kind: kind === 'put' ? 'write' : 'read',
    value,
    callMs,
    returnMs,
  }));
}

const NEVER = Number.POSITIVE_INFINITY;

// MIT 6.824, quiz 2 of spring 2017, section VII (its register begins with 0, ours with null).
test('a write may take effect between two reads that overlap it', () => {
  expect(isLinearizable(history(['put', 100, 0, 100], ['get', 100, 25, 75], ['get', null, 30, 60]))).toBe(
    true,
  );
});

test('a read after one that saw the new value may not see the old one', () => {
  expect(isLinearizable(history(['put', 200, 0, 100], ['get', 200, 10, 30], ['get', null, 40, 90]))).toBe(
    false,
  );
});

// Porcupine, TestZeroDuration.
test('operations that take no time have an order where one explains them', () => {
  const rows: Row[] = [
    ['put', 100, 0, 100],
    ['get', 100, 25, 75],
    ['get', null, 30, 30],
    ['get', null, 30, 30],
  ];
  expect(isLinearizable(history(...rows))).toBe(true);
});

test('operations that take no time are refused where none does', () => {
  const rows: Row[] = [
    ['put', 200, 0, 100],
    ['get', 200, 10, 10],
    ['get', 200, 10, 10],
    ['get', null, 40, 90],
  ];
  expect(isLinearizable(history(...rows))).toBe(false);
});

test('a write of unknown outcome may take effect long after', () => {
  const rows: Row[] = [
    ['put', 1, 0, 10],
    ['put', 2, 20, NEVER],
    ['get', 1, 30, 40],
    ['get', 2, 50, 60],
  ];
  expect(isLinearizable(history(...rows))).toBe(true);
});

test('a write that is applied twice shows itself by the value that comes back', () => {
  const rows: Row[] = [
    ['put', 1, 0, 10],
    ['put', 2, 20, 30],
    ['get', 2, 40, 50],
    ['get', 1, 60, 70],
  ];
  expect(isLinearizable(history(...rows))).toBe(false);
});

test('a write of unknown outcome may never take effect', () => {
  expect(isLinearizable(history(['put', 1, 0, 10], ['put', 2, 20, NEVER], ['get', 1, 30, 40]))).toBe(true);
});

const published = new URL('published/', import.meta.url);
for (const file of readdirSync(published).filter((name) => name.endsWith('.txt')))
  test(`etcd under Jepsen: ${file}`, () => {
    const operations = readHistory(readFileSync(new URL(file, published), 'utf8'));
    expect(operations.length).toBeGreaterThan(50);
    expect(isLinearizable(operations)).toBe(!file.includes('not-linearizable'));
  });
