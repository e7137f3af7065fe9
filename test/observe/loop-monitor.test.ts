import { expect, it } from 'vitest';
import { startLoopMonitor } from '../../src/observe/loop-monitor.ts';
import type { Clock } from '../../src/platform/clock.ts';

/** A clock whose time passes without timers running: a blocked loop. */
class BlockableClock implements Clock {
  time = 0;
  timers: { at: number; run: () => void }[] = [];
  nowMs = (): number => this.time;
  wallMs = (): number => this.time;
  after(delayMs: number, run: () => void): { clear: () => void } {
    const timer = { at: this.time + delayMs, run };
    this.timers.push(timer);
    return {
      clear: () => {
        this.timers = this.timers.filter((t) => t !== timer);
      },
    };
  }
  /** The loop turns for so long. */
  turn(forMs: number): void {
    for (const end = this.time + forMs; this.time < end; this.time++) this.runDue();
  }
  /** The loop stands still for so long; `livez` is asked before or after the timers get their turn. */
  block(forMs: number): void {
    this.time += forMs;
  }
  runDue(): void {
    const due = this.timers.filter((t) => t.at <= this.time);
    this.timers = this.timers.filter((t) => t.at > this.time);
    for (const { run } of due) run();
  }
}

it('/livez is ok while the loop turns, also late by some ordinary work', () => {
  const clock = new BlockableClock();
  const monitor = startLoopMonitor(clock);
  for (let n = 0; n < 20; n++) {
    clock.turn(1000);
    clock.block(400);
    expect(monitor.livez()).toEqual({ ok: true, reason: 'ok' });
  }
  monitor.close();
  expect(clock.timers).toEqual([]);
});

it('/livez fails after a stall of more than 5 s, at once and before any timer ran, and recovers within 10 s', () => {
  const clock = new BlockableClock();
  const monitor = startLoopMonitor(clock);
  clock.turn(1000);
  clock.block(6000);
  expect(monitor.livez()).toEqual({
    ok: false,
    reason: expect.stringMatching(/stood still for \d\.\d of the last 10 s/),
  });
  clock.turn(1000);
  expect(monitor.livez().ok).toBe(false);
  clock.turn(9000);
  expect(monitor.livez().ok).toBe(true);
});

it('/livez fails while many stalls add up, and stays so as long as they go on', () => {
  const clock = new BlockableClock();
  const monitor = startLoopMonitor(clock);
  for (let n = 0; n < 30; n++) {
    clock.block(900);
    clock.turn(300);
    if (n > 12) expect(monitor.livez().ok).toBe(false);
  }
  clock.turn(10_000);
  expect(monitor.livez().ok).toBe(true);
});
