import { runGuarded } from './guard.ts';

/** A timer's handle. */
export type Timer = { readonly clear: () => void };

/** Time for the control plane; tests use a virtual one (test/helpers/virtual-clock.ts). */
export interface Clock {
  /** Monotonic milliseconds. */
  nowMs(): number;
  /** Wall clock, milliseconds since 1970, for what people read. */
  wallMs(): number;
  /** Runs `run` once after `delayMs`. The timer does not keep the process alive; what `run` throws ends nothing but it. */
  after(delayMs: number, run: () => void): Timer;
}

/** Monotonic milliseconds: the one place where the process's own clock is read, for the data path needs no other. */
export function monotonicMs(): number {
  return performance.now();
}

/** As `Clock.after`, by the process's own clock. */
export function after(delayMs: number, run: () => void): Timer {
  return systemClock.after(delayMs, run);
}

/** Runs `run` again and again; otherwise as `after`. */
export function every(periodMs: number, run: () => void): Timer {
  const timer = setInterval(() => runGuarded('timer', run), periodMs);
  timer.unref();
  return { clear: () => clearInterval(timer) };
}

/** Keeps the process alive meanwhile, for a command that has nothing else to do. */
export function sleep(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs));
}

export const systemClock: Clock = {
  nowMs: monotonicMs,
  wallMs: () => Date.now(),
  after(delayMs, run) {
    const timer = setTimeout(() => runGuarded('timer', run), delayMs);
    timer.unref();
    return { clear: () => clearTimeout(timer) };
  },
};
