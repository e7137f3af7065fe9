/** The queues of several backends through a reload. */
import { beforeEach, expect, it } from 'vitest';
import type { Held, HoldQueue } from '../../../src/data/placement/hold-queue.ts';
import { HoldQueues } from '../../../src/data/placement/hold-queues.ts';
import type { RoutingSnapshot } from '../../../src/model/snapshot.ts';
import { Metrics } from '../../../src/observe/metrics.ts';
import { configWith } from '../../helpers/config.ts';
import { backendOf, hold } from '../fixtures.ts';

let metrics: Metrics;
let queues: HoldQueues;
let log: string[];
let released: boolean;
/** By who waits: the backend that its rule sends to after the reload; otherwise it stays. */
let next: Record<string, string>;

beforeEach(() => {
  metrics = new Metrics();
  queues = new HoldQueues(metrics, []);
  log = [];
  released = false;
  next = {};
});

function snapshot(...backends: readonly string[]): RoutingSnapshot {
  const known = new Map(backends.map((name) => [name, backendOf([])] as const));
  return { version: 1, config: configWith(), configHash: 'test', backends: known, listeners: [] };
}

function wait(name: string, backend: string, from: { queue: HoldQueue; held: Held } | null = null): void {
  const queue = queues.of(backend);
  const waiter = {
    retry() {
      if (released) log.push(name);
      return released;
    },
    expire() {},
    crashed() {},
    rematch() {
      const other = next[name];
      if (other !== undefined) wait(name, other, { queue, held: held! });
    },
  };
  const held = queue.enter('writes', { ...hold, maxRequests: 3 }, 0, waiter, from);
}

it('those that a reload joins leave in order of arrival over all', () => {
  for (const [name, backend] of Object.entries({ a: 'x', b: 'y', c: 'z', d: 'y', e: 'x' }))
    wait(name, backend);
  next = { a: 'y', c: 'y', e: 'y' };
  released = true;
  queues.follow(snapshot('y'), snapshot('x', 'y', 'z'));
  expect(log).toEqual(['a', 'b', 'c', 'd', 'e']);
  expect(queues.sizes()).toEqual({ x: 0, y: 0, z: 0 });
});

it('one whose new backend is as it was before is asked all the same', () => {
  wait('a', 'x');
  next = { a: 'y' };
  released = true;
  const before = snapshot('x', 'y');
  queues.follow({ ...before, listeners: [] }, before);
  expect(log).toEqual(['a']);
});

it('a move is no end of a hold', () => {
  wait('a', 'x');
  next = { a: 'y' };
  queues.follow(snapshot('y'), snapshot('x'));
  expect([...metrics.holdDuration.cells()]).toEqual([]);
  expect([metrics.heldRequests.with('x').value, metrics.heldRequests.with('y').value]).toEqual([0, 1]);
});

it('where nothing of the rules changed nobody is asked for its rule', () => {
  wait('a', 'x');
  next = { a: 'y' };
  const before = snapshot('x');
  queues.follow({ ...snapshot('x'), listeners: before.listeners }, before);
  expect(queues.sizes()).toEqual({ x: 1 });
});

it('queues and series of backends that are gone are given up when the last has left', () => {
  wait('a', 'x');
  expect(queues.dropSeries(snapshot('y'))).toBe(true);
  expect([...metrics.heldRequests.cells()].map(({ value }) => value)).toEqual([1]);
  released = true;
  queues.of('x').wake();
  expect(queues.dropSeries(snapshot('y'))).toBe(false);
  expect([...metrics.heldRequests.cells(), ...metrics.holdDuration.cells()]).toEqual([]);
  // The name comes back.
  released = false;
  wait('b', 'x');
  expect(metrics.heldRequests.with('x').value).toBe(1);
});
