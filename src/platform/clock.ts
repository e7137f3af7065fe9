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

export const systemClock: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  after(delayMs, run) {
    const timer = setTimeout(() => runGuarded('timer', run), delayMs);
    timer.unref();
    return { clear: () => clearTimeout(timer) };
  },
};
