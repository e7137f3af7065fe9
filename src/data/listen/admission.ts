import { type Clock, systemClock } from '../../platform/clock.ts';
import type { TurnEnd, TurnTask } from '../../platform/turn-end.ts';

/** How many requests are begun in one turn of the event loop, some milliseconds' work with their answers; more wait in a queue. */
const SLICE = 256;
/**
 * The same while clients are coming: libuv accepts one connection a turn (libuv/libuv#3696), so that the length of a turn bounds
 * how fast they get in. So many requests cost about what accepting one does.
 */
const ACCEPTING_SLICE = 4;
/** Of clients that are in and wait for n of these, n² more requests are begun in a turn. */
const ACCEPTING_WAIT_MS = 100;
/** What is refused costs less than what is begun. If it took the place of that, nothing would be answered in time. */
const REFUSED_PER_BEGUN = 4;
/** A request that waited longer before it was looked at is refused, once all have waited for so long for an interval. */
export const SHED_AFTER_MS = 500;
const STANDING_MS = 500;

/** A connection with a request in hand, waiting for its turn. */
export interface Waiting {
  /** When it came into the queue (monotonic milliseconds). */
  waitsSinceMs: number;
  /** Its turn has come. @param overdue it waited for too long while everything does: to be refused */
  admitted(overdue: boolean): void;
}

/** Told when refusing begins and ends. */
export type OnOverload = (overloaded: boolean) => void;

/**
 * Says when the requests of a turn of the event loop are handled: at once, as long as the turn is short and nobody is waiting to be
 * accepted; else one after another from a queue, in slices, so that the loop turns, new clients get in and timers run on time.
 *
 * The queue also shows how long requests wait. As in CoDel (RFC 8289) what counts is a queue that does not go away, not one that is
 * long for a moment: when every request of STANDING_MS has waited for SHED_AFTER_MS or more, those that waited longer are refused,
 * until one waited for less than half of it. Then what is answered at all is answered while its client still waits.
 */
export class Admission implements TurnTask {
  readonly #turn: TurnEnd;
  readonly #onOverload: OnOverload;
  readonly #clock: Pick<Clock, 'nowMs'>;
  #queue: Waiting[] = [];
  #at = 0;
  /** This turn's end will be told. */
  #inTurn = false;
  /** How many more may begin in this turn. */
  #left = SLICE;
  /** A connection was accepted in this turn: more may wait. */
  #accepted = false;
  /** Requests of this turn go into the queue. */
  #sliced = false;
  /** Since when every request that left the queue had waited for too long; -1: not so. */
  #standingSinceMs = -1;
  #overloaded = false;

  constructor(turn: TurnEnd, onOverload: OnOverload, clock: Pick<Clock, 'nowMs'> = systemClock) {
    this.#turn = turn;
    this.#clock = clock;
    this.#onOverload = onOverload;
  }

  /** Requests are being refused. */
  get overloaded(): boolean {
    return this.#overloaded;
  }

  /** A connection was accepted. */
  accepted(): void {
    this.#accepted = true;
    this.#sliced = true;
    if (!this.#inTurn) this.#begin();
  }

  /** @returns whether bytes that just came may be handled at once; else their connection shall `wait` */
  mayRun(): boolean {
    if (this.#sliced) return false;
    if (!this.#inTurn) this.#begin();
    return --this.#left >= 0;
  }

  wait(connection: Waiting): void {
    this.#sliced = true;
    connection.waitsSinceMs = this.#clock.nowMs();
    this.#queue.push(connection);
    // Else a turn that met a mistake of this program would be the last one that anybody waits for.
    if (!this.#inTurn) this.#begin();
  }

  turnEnded(): void {
    const accepted = this.#accepted;
    this.#accepted = false;
    this.#inTurn = false;
    if (this.#at < this.#queue.length) this.#run(accepted);
    this.#sliced = accepted || this.#at < this.#queue.length;
    if (this.#sliced) this.#begin();
    else this.#judge(0, 0);
  }

  #begin(): void {
    this.#inTurn = true;
    this.#left = SLICE;
    this.#turn.add(this);
  }

  #run(accepting: boolean): void {
    const queue = this.#queue;
    // One reading of the clock is exact enough for a slice.
    const nowMs = this.#clock.nowMs();
    const count = accepting ? sliceBeside(nowMs - queue[this.#at]!.waitsSinceMs) : SLICE;
    const end = Math.min(queue.length, this.#at + count * REFUSED_PER_BEGUN);
    for (let begun = 0; this.#at < end && begun < count; ) {
      const connection = queue[this.#at++]!;
      const waitedMs = nowMs - connection.waitsSinceMs;
      this.#judge(waitedMs, nowMs);
      const overdue = this.#overloaded && waitedMs > SHED_AFTER_MS;
      if (!overdue) begun++;
      connection.admitted(overdue);
    }
    // Moved to the front now and then: a queue that never empties must not grow for ever.
    if (this.#at * 2 < queue.length) return;
    this.#queue = queue.slice(this.#at);
    this.#at = 0;
  }

  #judge(waitedMs: number, nowMs: number): void {
    if (waitedMs < SHED_AFTER_MS) this.#standingSinceMs = -1;
    else if (this.#standingSinceMs < 0) this.#standingSinceMs = nowMs;
    const overloaded = this.#overloaded
      ? waitedMs >= SHED_AFTER_MS / 2
      : this.#standingSinceMs >= 0 && nowMs - this.#standingSinceMs >= STANDING_MS;
    if (overloaded === this.#overloaded) return;
    this.#overloaded = overloaded;
    this.#onOverload(overloaded);
  }
}

/** The longer those who are in have to wait, the more of them go before the next one gets in. */
function sliceBeside(waitedMs: number): number {
  return Math.min(SLICE, ACCEPTING_SLICE + Math.floor((waitedMs / ACCEPTING_WAIT_MS) ** 2));
}
