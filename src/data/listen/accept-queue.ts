import { type Clock, systemClock } from '../../platform/clock.ts';
import type { TurnEnd, TurnTask } from '../../platform/turn-end.ts';

/** What the kernel allows by default (net.core.somaxconn): a burst waits there, as Node accepts one connection a turn. */
export const BACKLOG = 4096;
const LEAST_BACKLOG = 16;
/** A queue that has not been empty for so long is bounded … */
const STANDING_MS = 500;
/** … to what is accepted in so long, counted over as long. */
const WINDOW_MS = 500;
/** How long the bound stays when the queue is empty again: an overload comes in waves, for clients that were not taken come again. */
const BOUND_MS = 5000;
const MEASURE_MS = 250;

/** The kernel's side of a listening socket. */
export interface KernelQueue {
  resize(backlog: number): void;
  /** Connections that wait to be accepted; null: cannot be told. */
  waiting(): Promise<number | null>;
}

/**
 * What waits in the kernel to be accepted. libuv says each turn whether anything does and accepts one (libuv/libuv#3696); a turn without
 * one has found the queue empty.
 *
 * A queue that stands is bounded by what is accepted in half a second. Longer, and clients would be accepted that have given up
 * meanwhile, at the expense of those that still wait; past the bound the kernel drops what a client sends to connect, the client
 * sends it again after a second, and nothing of that costs this process anything. Bursts have the whole backlog, but for some seconds after an overload.
 */
export class AcceptQueue implements TurnTask {
  readonly #kernel: KernelQueue;
  readonly #turn: TurnEnd;
  readonly #clock: Pick<Clock, 'nowMs'>;
  #inTurn = false;
  #acceptedInTurn = false;
  /** Since when no turn has found it empty; -1: empty. */
  #standsSinceMs = -1;
  /** Of the present window. */
  #windowFromMs = 0;
  #accepted = 0;
  /** Accepted a second in the last window. */
  #rate = 0;
  /** Until when the queue stays bounded; -1: it is not. */
  #boundUntilMs = -1;
  #measuredAtMs = 0;
  /** As it was measured last; null: cannot be told. */
  #waiting: number | null = null;

  constructor(kernel: KernelQueue, turn: TurnEnd, clock: Pick<Clock, 'nowMs'> = systemClock) {
    this.#kernel = kernel;
    this.#turn = turn;
    this.#clock = clock;
  }

  accepted(): void {
    this.#accepted++;
    this.#acceptedInTurn = true;
    if (this.#inTurn) return;
    this.#inTurn = true;
    this.#turn.add(this);
  }

  turnEnded(): void {
    this.#inTurn = false;
    if (!this.#acceptedInTurn) {
      this.#empty();
      return;
    }
    this.#acceptedInTurn = false;
    const nowMs = this.#clock.nowMs();
    if (this.#standsSinceMs < 0) {
      this.#standsSinceMs = nowMs;
      this.#windowFromMs = nowMs;
      this.#accepted = 0;
    } else if (nowMs - this.#windowFromMs >= WINDOW_MS) this.#count(nowMs);
    // Whether something came in the next turn as well is what tells.
    this.#inTurn = true;
    this.#turn.add(this);
  }

  /**
   * How long a connection that is accepted now has waited, in ms: what waits by what is accepted in a second, and no longer than since
   * the queue was last seen empty, which is an upper bound of its own where the kernel does not tell what waits.
   */
  delayMs(nowMs: number): number {
    if (this.#standsSinceMs < 0) return 0;
    const standsMs = nowMs - this.#standsSinceMs;
    const windowMs = nowMs - this.#windowFromMs;
    const rate = this.#rate > 0 ? this.#rate : windowMs > 0 ? (this.#accepted * 1000) / windowMs : 0;
    if (this.#waiting === null || rate === 0) return standsMs;
    return Math.min(standsMs, (this.#waiting * 1000) / rate);
  }

  /** Called some twenty times a second: measures a queue that stands. */
  tick(nowMs: number): void {
    if (this.#boundUntilMs >= 0 && nowMs >= this.#boundUntilMs) {
      this.#boundUntilMs = -1;
      this.#kernel.resize(BACKLOG);
    }
    if (this.#standsSinceMs < 0 || nowMs - this.#measuredAtMs < MEASURE_MS) return;
    this.#measuredAtMs = nowMs;
    void this.#kernel.waiting().then((waiting) => {
      this.#waiting = waiting;
    });
  }

  #empty(): void {
    this.#standsSinceMs = -1;
    this.#rate = 0;
    this.#waiting = null;
  }

  #count(nowMs: number): void {
    this.#rate = (this.#accepted * 1000) / (nowMs - this.#windowFromMs);
    this.#windowFromMs = nowMs;
    this.#accepted = 0;
    if (nowMs - this.#standsSinceMs < STANDING_MS) return;
    this.#boundUntilMs = nowMs + BOUND_MS;
    const backlog = Math.ceil((this.#rate * WINDOW_MS) / 1000);
    this.#kernel.resize(Math.min(BACKLOG, Math.max(LEAST_BACKLOG, backlog)));
  }
}
