// Loaded into headroute with --import: how late its event loop is, and how long collections took, for whoever asks by the inspector.
import { monitorEventLoopDelay, PerformanceObserver } from 'node:perf_hooks';

const delay = monitorEventLoopDelay({ resolution: 1 });
let longestGcMs = 0;
new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) longestGcMs = Math.max(longestGcMs, duration);
}).observe({ entryTypes: ['gc'] });

/**
 * The longest time without a turn that this process spent on the CPU: what the clock shows beyond it is another process's time on the
 * core. Threads beside the loop (collection, compilation) count too, so it errs on the high side.
 */
let longestBusyMs = 0;
let longestMs = 0;
let stalls = 0;
let lastMs = performance.now();
let lastCpu = process.cpuUsage();
setInterval(() => {
  const nowMs = performance.now();
  const cpu = process.cpuUsage();
  const gapMs = nowMs - lastMs;
  const busyMs = Math.min(gapMs, (cpu.user - lastCpu.user + cpu.system - lastCpu.system) / 1000);
  longestMs = Math.max(longestMs, gapMs);
  longestBusyMs = Math.max(longestBusyMs, busyMs);
  if (busyMs > 10) stalls++;
  lastMs = nowMs;
  lastCpu = cpu;
}, 1).unref();

globalThis.__loopDelay = {
  begin() {
    longestGcMs = longestBusyMs = longestMs = stalls = 0;
    delay.reset();
    delay.enable();
  },
  /** Milliseconds. */
  end() {
    delay.disable();
    const ms = (nanoseconds) => nanoseconds / 1e6;
    return {
      p50: ms(delay.percentile(50)),
      p99: ms(delay.percentile(99)),
      p999: ms(delay.percentile(99.9)),
      max: Math.max(ms(delay.max), longestMs),
      busy: longestBusyMs,
      stalls,
      gc: longestGcMs,
    };
  },
};
