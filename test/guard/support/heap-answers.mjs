// Loaded into the measured process with --import, where --expose-gc is on: tells over IPC what is allocated, for 'collect' after a
// collection.
import { PerformanceObserver } from 'node:perf_hooks';

let collections = 0;
new PerformanceObserver((list) => {
  collections += list.getEntries().length;
}).observe({ entryTypes: ['gc'] });

process.on('message', (what) => {
  if (what === 'collect') globalThis.gc();
  // The observer is told of a collection in a later turn.
  setTimeout(() => {
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    process.send({ heapUsed, arrayBuffers, collections });
  }, 20);
});
// The channel must not keep the sidecar alive.
process.channel?.unref();
