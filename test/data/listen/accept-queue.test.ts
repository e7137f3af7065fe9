import { beforeEach, expect, it } from 'vitest';
import { AcceptQueue, BACKLOG } from '../../../src/data/listen/accept-queue.ts';
import type { TurnEnd, TurnTask } from '../../../src/platform/turn-end.ts';

let tasks: TurnTask[];
let nowMs: number;
let backlogs: number[];
let waiting: number | null;
let queue: AcceptQueue;

beforeEach(() => {
  tasks = [];
  nowMs = 1000;
  backlogs = [];
  waiting = null;
  const kernel = { resize: (backlog: number) => void backlogs.push(backlog), waiting: async () => waiting };
  queue = new AcceptQueue(kernel, { add: (task: TurnTask) => tasks.push(task) } as unknown as TurnEnd, {
    nowMs: () => nowMs,
  });
});

function endTurn(): void {
  for (const task of tasks.splice(0)) task.turnEnded();
}

/** One accepted in each turn. */
function stand(turns: number, turnMs: number): void {
  for (let n = 0; n < turns; n++) {
    queue.accepted();
    nowMs += turnMs;
    endTurn();
  }
}

it('leaves a burst the whole backlog', () => {
  stand(4000, 0.1);
  expect(backlogs).toEqual([]);
});

it('bounds a queue that stands to what is accepted in half a second', () => {
  stand(600, 5);
  expect(backlogs.at(-1)).toBeGreaterThanOrEqual(95);
  expect(backlogs.at(-1)).toBeLessThanOrEqual(105);
});

it('keeps some places however slowly it accepts, and asks for no more than the kernel gives', () => {
  stand(20, 400);
  expect(backlogs.at(-1)).toBe(16);
  backlogs = [];
  stand(60_000, 0.02);
  expect(backlogs.at(-1)).toBe(BACKLOG);
});

it('keeps the bound for some seconds after a turn has found the queue empty, for refused clients come again', () => {
  stand(600, 5);
  endTurn();
  nowMs += 1000;
  queue.tick(nowMs);
  expect(backlogs.at(-1)).toBeLessThan(BACKLOG);
});

it('gives the whole backlog back then', () => {
  stand(600, 5);
  endTurn();
  nowMs += 10_000;
  queue.tick(nowMs);
  expect(backlogs.at(-1)).toBe(BACKLOG);
});

it('needs no further turn when the queue is empty', () => {
  stand(1, 1);
  endTurn();
  expect(tasks).toEqual([]);
});

it('tells no delay of an empty queue', () => {
  stand(10, 1);
  endTurn();
  expect(queue.delayMs(nowMs)).toBe(0);
});

it('tells what waits by what is accepted in a second', async () => {
  waiting = 50;
  stand(600, 5);
  queue.tick(nowMs);
  await Promise.resolve();
  expect(queue.delayMs(nowMs)).toBeCloseTo(250, -1);
});

it('tells how long the queue has stood where the kernel does not tell what waits', async () => {
  stand(601, 5);
  queue.tick(nowMs);
  await Promise.resolve();
  expect(queue.delayMs(nowMs)).toBe(3000);
});

it('never tells more than how long the queue has stood', async () => {
  waiting = 4000;
  stand(21, 5);
  queue.tick(nowMs);
  await Promise.resolve();
  expect(queue.delayMs(nowMs)).toBe(100);
});
