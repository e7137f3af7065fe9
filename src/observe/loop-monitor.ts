import { type Clock, systemClock, type Timer } from '../platform/clock.ts';

const TICK_MS = 250;
/** Lateness under this is ordinary work, not a stall. */
const STALL_FROM_MS = 50;
const WINDOW_MS = 10_000;
const MAX_STALLED_MS = 5_000;

export interface LoopMonitor {
  /** For `/livez`: not ok while the event loop was blocked for more than 5 of the last 10 seconds. */
  livez(): { ok: boolean; reason: string };
  close(): void;
}

interface Stall {
  readonly endMs: number;
  readonly lengthMs: number;
}

/**
 * Watches that the event loop turns. A loop that stands still cannot answer `/livez` at all (the kubelet's timeout sees
 * that); this one also sees a loop that comes to just often enough to answer. One long stall that is over fails
 * `/livez` for some seconds only, so a `failureThreshold` of 3 restarts nothing that recovered.
 */
export function startLoopMonitor(clock: Clock = systemClock): LoopMonitor {
  let stalls: Stall[] = [];
  let dueMs = clock.nowMs() + TICK_MS;
  let timer: Timer = clock.after(TICK_MS, tick);

  function tick(): void {
    note(clock.nowMs());
    dueMs = clock.nowMs() + TICK_MS;
    timer = clock.after(TICK_MS, tick);
  }

  function note(nowMs: number): void {
    const lateMs = nowMs - dueMs;
    if (lateMs >= STALL_FROM_MS) stalls.push({ endMs: nowMs, lengthMs: lateMs });
    stalls = stalls.filter(({ endMs }) => endMs > nowMs - WINDOW_MS);
  }

  return {
    livez() {
      const nowMs = clock.nowMs();
      const fromMs = nowMs - WINDOW_MS;
      const lateMs = nowMs - dueMs;
      let stalledMs = lateMs >= STALL_FROM_MS ? Math.min(lateMs, WINDOW_MS) : 0;
      for (const { endMs, lengthMs } of stalls) stalledMs += Math.max(0, Math.min(lengthMs, endMs - fromMs));
      return stalledMs <= MAX_STALLED_MS
        ? { ok: true, reason: 'ok' }
        : {
            ok: false,
            reason: `the event loop stood still for ${(stalledMs / 1000).toFixed(1)} of the last ${WINDOW_MS / 1000} s`,
          };
    },
    close: () => timer.clear(),
  };
}
