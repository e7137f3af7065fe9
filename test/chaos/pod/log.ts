import { openSync, writeSync } from 'node:fs';
import { machineMs } from '../monotonic.ts';

/** A line of a Pod's log. `t`: when, `machineMs`; `c`: the connection, counted within the process. */
export type PodEvent = { readonly t: number } & (
  | { readonly e: 'up'; readonly incarnation: number; readonly host: string }
  /** It begins or ends to claim that it leads. */
  | { readonly e: 'claim'; readonly term: number | null; readonly on: boolean }
  /** It has answered a probe for the leader. */
  | { readonly e: 'probe'; readonly on: boolean; readonly term: number | null }
  /** Bytes arrived on the data port; `lag`: how long the process may have left them unread (ms). */
  | {
      readonly e: 'bytes';
      readonly c: number;
      readonly id: string;
      readonly n: number;
      readonly lag: number;
      readonly on: boolean;
    }
  /** A request's head, or a line on a tunnel, was read: the first time that its id is known. */
  | {
      readonly e: 'head';
      readonly c: number;
      readonly id: string;
      readonly by: string;
      readonly on: boolean;
      readonly term: number | null;
      readonly lag: number;
    }
  | { readonly e: 'whole'; readonly c: number; readonly id: string; readonly right: boolean }
  /** Answered that it does not lead; nothing was executed. */
  | { readonly e: 'refused'; readonly c: number; readonly id: string }
  | { readonly e: 'executed'; readonly c: number; readonly id: string }
  | { readonly e: 'answered'; readonly c: number; readonly id: string }
  /** It has reset the connection. */
  | { readonly e: 'reset'; readonly c: number; readonly id: string }
);

/** Everything but the time. */
export type PodEntry = PodEvent extends infer E ? (E extends PodEvent ? Omit<E, 't'> : never) : never;

/** How often a process notes that it runs. */
const TICK_MS = 5;
/** For so long after it stood still a process finds what had arrived meanwhile. */
const CATCH_UP_MS = 100;

/** The append-only log of a Pod: what is written stays, however the process ends. */
export class PodLog {
  readonly #file: number;
  #ranMs = machineMs();
  #stoodMs = 0;
  #stoodUntilMs = 0;

  constructor(path: string) {
    this.#file = openSync(path, 'a');
    setInterval(() => {
      const gapMs = machineMs() - this.#ranMs - TICK_MS;
      if (gapMs > TICK_MS) this.stood(gapMs);
      this.#ranMs = machineMs();
    }, TICK_MS);
  }

  write(entry: PodEntry): void {
    writeSync(this.#file, `${JSON.stringify({ t: machineMs(), ...entry })}\n`);
  }

  /** For so long up to now nothing was read. */
  stood(ms: number): void {
    const nowMs = machineMs();
    this.#stoodMs = nowMs > this.#stoodUntilMs ? ms : Math.max(ms, this.#stoodMs);
    this.#stoodUntilMs = nowMs + CATCH_UP_MS;
  }

  /** For how long at most what is read now may have lain unread (ms). */
  lag(): number {
    const nowMs = machineMs();
    const recentMs = nowMs < this.#stoodUntilMs ? this.#stoodMs + CATCH_UP_MS : 0;
    return Math.round(Math.max(0, recentMs, nowMs - this.#ranMs - TICK_MS));
  }
}
