import { beforeEach, describe, expect, it } from 'vitest';
import { Admission, SHED_AFTER_MS } from '../../../src/data/listen/admission.ts';
import type { TurnEnd, TurnTask } from '../../../src/platform/turn-end.ts';

/** Turns that the test ends. */
class Turns {
  #tasks: TurnTask[] = [];

  add(task: TurnTask): void {
    this.#tasks.push(task);
  }

  get pending(): number {
    return this.#tasks.length;
  }

  end(): void {
    for (const task of this.#tasks.splice(0)) task.turnEnded();
  }
}

let turns: Turns;
let nowMs: number;
let told: boolean[];
let admission: Admission;
/** What began, in order; those refused as `!n`. */
let begun: string[];

beforeEach(() => {
  turns = new Turns();
  nowMs = 1000;
  told = [];
  begun = [];
  admission = new Admission(turns as unknown as TurnEnd, (overloaded) => told.push(overloaded), {
    nowMs: () => nowMs,
  });
});

/** Bytes came for a request: it begins, or waits. */
function arrive(name: string): void {
  if (admission.mayRun()) begun.push(name);
  else
    admission.wait({
      waitsSinceMs: 0,
      admitted: (overdue) => begun.push(overdue ? `!${name}` : name),
    });
}

function arriveMany(count: number, prefix = 'r'): void {
  for (let n = 0; n < count; n++) arrive(`${prefix}${n}`);
}

describe('turns of the event loop', () => {
  it('begins at once what comes while nobody else waits', () => {
    arriveMany(100);
    expect(begun).toHaveLength(100);
  });

  it('begins a bounded number in one turn and the rest in order in later ones', () => {
    arriveMany(1000);
    const first = begun.length;
    expect(first).toBeLessThan(300);
    for (let n = 0; n < 10; n++) turns.end();
    expect(begun).toEqual(Array.from({ length: 1000 }, (_, n) => `r${n}`));
  });

  it('begins at once again when the queue is empty', () => {
    arriveMany(1000);
    for (let n = 0; n < 10; n++) turns.end();
    arrive('later');
    expect(begun.at(-1)).toBe('later');
  });

  it('keeps turns short while clients come, so that one is accepted for every few requests', () => {
    arriveMany(200);
    admission.accepted();
    arriveMany(200, 'next');
    let turnsTaken = 0;
    for (; begun.length < 400; turnsTaken++) {
      turns.end();
      admission.accepted();
    }
    expect(turnsTaken).toBeGreaterThanOrEqual(40);
  });

  it('goes on with whoever waits after a turn that met a mistake of this program', () => {
    arriveMany(300);
    admission.wait({
      waitsSinceMs: 0,
      admitted() {
        throw new Error('a mistake');
      },
    });
    expect(() => turns.end()).toThrow('a mistake');
    arrive('later');
    turns.end();
    expect(begun.at(-1)).toBe('later');
  });

  it('asks for no further turn when nobody waits and nobody came', () => {
    arrive('a');
    admission.accepted();
    for (let n = 0; n < 3; n++) turns.end();
    expect(turns.pending).toBe(0);
  });
});

describe('refusing what waited for too long', () => {
  /** Turns at the given pace, as many requests coming as begin, behind a queue so long that each waits for `waitMs`. */
  function saturate(waitMs: number, forMs: number, turnMs = 50): void {
    const perTurn = 256;
    arriveMany(perTurn * Math.ceil(waitMs / turnMs));
    for (let spentMs = 0; spentMs < forMs; spentMs += turnMs) {
      nowMs += turnMs;
      turns.end();
      arriveMany(perTurn, 'more');
    }
  }
  const refused = (): number => begun.filter((name) => name.startsWith('!')).length;

  it('refuses when all have waited over the bound for half a second', () => {
    saturate(2 * SHED_AFTER_MS, 3000);
    expect(refused()).toBeGreaterThan(0);
    expect(told).toEqual([true]);
  });

  it('refuses only those that waited over the bound, so that the rest is answered in time', () => {
    saturate(2 * SHED_AFTER_MS, 3000);
    begun = [];
    const waits: number[] = [];
    // Twice as many as can begin.
    for (let turn = 0; turn < 60; turn++) {
      nowMs += 50;
      turns.end();
      for (let n = 0; n < 512; n++) {
        const since = nowMs;
        if (admission.mayRun()) throw new Error('the queue is never empty here');
        admission.wait({
          waitsSinceMs: 0,
          admitted(overdue) {
            if (!overdue) waits.push(nowMs - since);
          },
        });
      }
    }
    expect(waits.length).toBeGreaterThan(0);
    expect(Math.max(...waits)).toBeLessThanOrEqual(SHED_AFTER_MS);
  });

  it('refuses nothing of a burst that waits for long but is over soon', () => {
    arriveMany(2000);
    for (let n = 0; n < 8; n++) {
      nowMs += SHED_AFTER_MS / 10;
      turns.end();
    }
    expect(begun).toHaveLength(2000);
    expect(refused()).toBe(0);
  });

  it('refuses nothing after one long stall of the process', () => {
    arriveMany(1000);
    nowMs += 60_000;
    for (let n = 0; n < 10; n++) {
      turns.end();
      nowMs += 5;
    }
    expect(begun).toHaveLength(1000);
    expect(refused()).toBe(0);
  });

  it('refuses nothing in saturation, where each waits its turn but not for long', () => {
    saturate(SHED_AFTER_MS / 2, 10_000);
    expect(refused()).toBe(0);
    expect(told).toEqual([]);
  });

  it('ends when requests wait for less than half of the bound, and says so', () => {
    saturate(2 * SHED_AFTER_MS, 3000);
    for (let n = 0; n < 200; n++) {
      nowMs += 1;
      turns.end();
    }
    expect(told).toEqual([true, false]);
    expect(admission.overloaded).toBe(false);
  });
});
