import { isMainThread } from 'node:worker_threads';
import { machineMs } from '../monotonic.ts';

/** What the harness tells a sidecar's process, by the channel that it was started with. */
export interface HookMessage {
  /** The wall clock is this far off from now on. */
  readonly wallOffsetMs?: number;
  /** The event loop stands still for so long. */
  readonly blockMs?: number;
}

// Loaded into the sidecar's process before the program (node --import): what a container's host can do to it from outside and a
// test without root cannot. The program itself is unchanged.
if (isMainThread && process.channel) {
  let offsetMs = 0;
  const RealDate = Date;
  const realNow = Date.now;
  globalThis.Date = class extends RealDate {
    constructor(...args: unknown[]) {
      if (args.length === 0) super(realNow() + offsetMs);
      else super(...(args as [number]));
    }

    static override now(): number {
      return realNow() + offsetMs;
    }
  } as DateConstructor;
  process.on('message', ({ wallOffsetMs, blockMs }: HookMessage) => {
    if (wallOffsetMs !== undefined) offsetMs = wallOffsetMs;
    if (blockMs === undefined) return;
    const endMs = machineMs() + blockMs;
    while (machineMs() < endMs);
  });
  // The harness has gone.
  process.on('disconnect', () => process.exit(0));
  // The channel must not keep the program from ending.
  process.channel.unref();
}
