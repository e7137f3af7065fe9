import { expect, test } from 'vitest';
import type { Operation } from '../clients/operation.ts';
import type { PodEntry, PodEvent } from '../pod/log.ts';
import { check } from './all.ts';
import type { Life, RoundRecord } from './record.ts';

// Each check of the chaos harness sees the one thing that it is for, in a round of a few lines. That they see real bugs is for the
// mutations (npm run chaos -- --mutations).

function operation(part: Partial<Operation>): Operation {
  return {
    id: '1',
    kind: 'write',
    via: 'http',
    key: 'k',
    client: 'c',
    by: 's0.1',
    bytes: 10,
    startMs: 1000,
    endMs: 1010,
    outcome: 'ok',
    value: null,
    goneMs: null,
    detail: '200',
    wrong: null,
    ...part,
  };
}

function life(pod: string, ...entries: [t: number, entry: PodEntry][]): Life {
  const events = entries.map(([t, entry]) => ({ ...entry, t }) as PodEvent);
  return { pod, host: `127.0.0.${pod.length}`, events, endMs: Number.POSITIVE_INFINITY };
}

const head = (id: string, part: object = {}): PodEntry =>
  ({ e: 'head', c: 1, id, by: 's0.1', on: true, term: 1, lag: 0, ...part }) as PodEntry;

const commit = (id: string) => ({ id, key: 'k', pod: 'db-0', term: 1, atMs: 1005 });

function found(part: Partial<RoundRecord>): string[] {
  const record: RoundRecord = {
    startMs: 0,
    endMs: 10_000,
    operations: [],
    lives: [],
    commits: [],
    reigns: [],
    observations: [],
    notes: [],
    leaderless: [],
    onConflict: 'Refuse',
    lineage: false,
    boundMs: 700,
    harmless: false,
    found: [],
    ...part,
  };
  return [...new Set(check(record).violations.map((violation) => violation.check))];
}

test('a write that was acknowledged, and came once, is as it should be', () => {
  const lives = [life('db-0', [1002, head('1')])];
  expect(found({ operations: [operation({})], lives, commits: [commit('1')] })).toEqual([]);
});

test('delivery: one write at two Pods', () => {
  const lives = [life('db-0', [1002, head('1')]), life('db-1', [1003, head('1')])];
  expect(found({ operations: [operation({})], lives, commits: [commit('1')] })).toEqual(['delivery']);
});

test('delivery: twice on one connection', () => {
  const lives = [life('db-0', [1002, head('1')], [1004, head('1')])];
  expect(found({ operations: [operation({})], lives, commits: [commit('1')] })).toEqual(['delivery']);
});

test('delivery: a Pod that refused does not count', () => {
  const lives = [
    life('db-0', [1002, head('1')], [1003, { e: 'refused', c: 1, id: '1' }]),
    life('db-1', [1004, head('1')]),
  ];
  expect(found({ operations: [operation({})], lives, commits: [commit('1')] })).toEqual([]);
});

test('delivery: bytes of what failed for sure', () => {
  const lives = [life('db-0', [1002, head('1')])];
  expect(found({ operations: [operation({ outcome: 'fail' })], lives })).toEqual(['delivery']);
});

test('acknowledgement: acknowledged and not executed', () => {
  expect(found({ operations: [operation({})] })).toEqual(['acknowledgement']);
});

test('acknowledgement: executed twice', () => {
  const commits = [commit('1'), commit('1')];
  expect(found({ operations: [operation({ outcome: 'unknown' })], commits })).toEqual(['acknowledgement']);
});

test('terms: a head to an older leader', () => {
  const lives = [life('db-0', [1000, head('1', { term: 5 })], [2000, head('2', { term: 4 })])];
  expect(found({ lives })).toEqual(['terms']);
});

test('terms: another life of a sidecar knows nothing of the one before', () => {
  const lives = [life('db-0', [1000, head('1', { term: 5 })], [2000, head('2', { term: 4, by: 's0.2' })])];
  expect(found({ lives })).toEqual([]);
});

const bytesAt = (t: number): [number, PodEntry] => [
  t,
  { e: 'bytes', c: 1, id: '1', n: 9, lag: 0, on: false },
];
const claims = (on: boolean): PodEntry => ({ e: 'claim', on, term: 1 });

test('D: bytes later than D after a claim', () => {
  expect(found({ lives: [life('db-0', [0, claims(true)], [1000, claims(false)], bytesAt(1900))] })).toEqual([
    'D',
  ]);
});

test('D: bytes within D after a claim', () => {
  expect(found({ lives: [life('db-0', [0, claims(true)], [1000, claims(false)], bytesAt(1600))] })).toEqual(
    [],
  );
});

test('D: bytes to a Pod that never claimed', () => {
  expect(found({ lives: [life('db-0', bytesAt(1600))] })).toEqual(['D']);
});

test('conflict: a head while two Pods are seen to claim', () => {
  const probes = Array.from({ length: 20 }, (_, n): [number, PodEntry] => [
    n * 100,
    { e: 'probe', on: true, term: 1 },
  ]);
  const lives = [life('db-0', ...probes.slice(0, 17), [1650, head('1')]), life('db-1', ...probes)];
  expect(found({ lives })).toEqual([]);
  expect(found({ lives: [life('db-0', ...probes, [1450, head('1')]), life('db-1', ...probes)] })).toEqual([
    'conflict',
  ]);
});

test('hold order: a row that comes backwards', () => {
  const operations = Array.from({ length: 10 }, (_, n) =>
    operation({ id: `${n}`, startMs: 1100 + n * 20, outcome: 'unknown' }),
  );
  const leaderless = [{ run: 's0.1', fromMs: 1000, toMs: 2000 }];
  const sent = (order: (n: number) => number): Life =>
    life('db-0', ...operations.map(({ id }, n): [number, PodEntry] => [order(n), head(id, { c: n })]));
  expect(found({ operations, leaderless, lives: [sent((n) => 2000 + n)] })).toEqual([]);
  expect(found({ operations, leaderless, lives: [sent((n) => 2020 - n)] })).toEqual(['hold order']);
});

test('gone clients: a request that came long after its client had left', () => {
  const operations = [operation({ outcome: 'unknown', goneMs: 1050 })];
  expect(found({ operations, lives: [life('db-0', [1200, head('1')])] })).toEqual([]);
  expect(found({ operations, lives: [life('db-0', [2200, head('1')])] })).toEqual(['gone clients']);
});

test('linearizability: a read that goes back', () => {
  const read = (id: string, value: string, startMs: number): Operation =>
    operation({ id, kind: 'read', value, startMs, endMs: startMs + 5 });
  const operations = [operation({}), operation({ id: '2', startMs: 1100, endMs: 1110 })];
  const commits = [commit('1'), commit('2')];
  const lives = [life('db-0', [1002, head('1', { c: 1 })], [1102, head('2', { c: 2 })])];
  const record = { commits, lives };
  expect(found({ ...record, operations: [...operations, read('3', '2', 1200)] })).toEqual([]);
  expect(found({ ...record, operations: [...operations, read('3', '1', 1200)] })).toEqual([
    'linearizability',
  ]);
});

test('harmless: a request that failed although nothing may', () => {
  const operations = [operation({ outcome: 'unknown' })];
  expect(found({ operations, harmless: true })).toEqual(['harmless']);
  expect(found({ operations: [operation({ outcome: 'unknown', goneMs: 1001 })], harmless: true })).toEqual(
    [],
  );
});
