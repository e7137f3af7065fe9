import { monotonicMs } from '../../../platform/clock.ts';

/** Work between two turns of the event loop. */
const SLICE_MS = 2;

/**
 * For loops over hundreds of Pods: awaiting it lets other work in once a slice of time is used up (SPEC 6, promise 9:
 * 1,000 Pods do not stall the loop for 10 ms).
 */
export function pacer(): () => Promise<void> | undefined {
  let sliceEndsAtMs = monotonicMs() + SLICE_MS;
  return () => {
    if (monotonicMs() < sliceEndsAtMs) return undefined;
    return new Promise((resolve) => {
      setImmediate(() => {
        sliceEndsAtMs = monotonicMs() + SLICE_MS;
        resolve();
      });
    });
  };
}
