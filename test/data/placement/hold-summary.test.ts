/** Those that wait are told of in one line a second for each backend, however many they are. */
import { beforeEach, expect, it } from 'vitest';
import { HoldQueue } from '../../../src/data/placement/hold-queue.ts';
import { HoldSummary } from '../../../src/data/placement/hold-summary.ts';
import { Metrics } from '../../../src/observe/metrics.ts';
import { type LogLine, recordingLogger } from '../../helpers/recording-logger.ts';
import { VirtualClock } from '../../helpers/virtual-clock.ts';

let clock: VirtualClock;
let lines: LogLine[];
let summary: HoldSummary;
let queues: Map<string, HoldQueue>;

beforeEach(() => {
  clock = new VirtualClock();
  lines = [];
  queues = new Map();
  summary = new HoldSummary({
    logger: recordingLogger(lines),
    clock,
    waiting: (backend) => queues.get(backend)!,
  });
});

function enter(backend: string, timeoutMs = 10_000, maxRequests = 1000) {
  const queue = queues.get(backend) ?? new HoldQueue(backend, new Metrics(), clock, [summary]);
  queues.set(backend, queue);
  const waiter = { retry: () => false, expire() {}, rematch() {}, crashed() {} };
  return queue.enter('writes', { timeoutMs, maxRequests, maxBytes: 1 }, 0, waiter);
}

const QUIET = {
  began: 0,
  released: 0,
  timedOut: 0,
  foundNoRoom: 0,
  clientsLeft: 0,
  abandoned: 0,
  waiting: 0,
};

it('a thousand that begin to wait are one line after a second, and nothing more while they wait', () => {
  for (let i = 0; i < 1000; i++) enter('db');
  clock.advance(999);
  expect(lines).toEqual([]);
  clock.advance(1);
  expect(lines).toEqual([
    {
      level: 'info',
      message: 'requests wait for a Pod',
      backend: 'db',
      ...QUIET,
      began: 1000,
      waiting: 1000,
      longestMs: 1000,
    },
  ]);
  clock.advance(8000);
  expect(lines).toHaveLength(1);
});

it('what became of them, and how long the longest waited', () => {
  const held = [enter('db'), enter('db'), enter('db'), enter('db')];
  clock.advance(1000);
  lines.length = 0;
  clock.advance(4000);
  held[0]!.leave('released');
  clock.advance(500);
  held[1]!.leave('client_gone');
  held[2]!.leave('abandoned');
  clock.advance(500);
  expect(lines).toEqual([
    {
      level: 'info',
      message: 'requests wait for a Pod',
      backend: 'db',
      ...QUIET,
      released: 1,
      clientsLeft: 1,
      abandoned: 1,
      waiting: 1,
      longestMs: 6000,
    },
  ]);
});

it('those that waited in vain, and those that found no room, are a warning', () => {
  enter('db', 300);
  enter('db', 10_000, 1);
  clock.advance(1000);
  expect(lines).toEqual([
    {
      level: 'warn',
      message: 'requests waited for a Pod in vain',
      backend: 'db',
      ...QUIET,
      began: 1,
      timedOut: 1,
      foundNoRoom: 1,
      longestMs: 300,
    },
  ]);
});

it('each backend has a line of its own', () => {
  enter('db');
  clock.advance(400);
  enter('cache');
  clock.advance(600);
  expect(lines.map(({ backend, longestMs }) => [backend, longestMs])).toEqual([
    ['db', 1000],
    ['cache', 600],
  ]);
});

it('what is not told yet is told at the end', () => {
  enter('db');
  summary.close();
  clock.advance(5000);
  expect(lines).toMatchObject([{ began: 1 }]);
});
