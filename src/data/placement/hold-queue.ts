import type { HoldConfig } from '../../model/config.ts';
import type { Metrics } from '../../observe/metrics.ts';
import type { Cell, HistogramCell } from '../../observe/primitives.ts';
import { type Clock, systemClock, type Timer } from '../../platform/clock.ts';
import { runGuarded } from '../../platform/guard.ts';
import { ReleaseRow } from './release-row.ts';

/**
 * How a hold ended, the `outcome` label of `headroute_hold_duration_seconds`. `abandoned`: headroute gave it up for a
 * reason of its own (`timeouts.request`, shutdown).
 */
export type HoldOutcome = (typeof HOLD_OUTCOMES)[number];
const HOLD_OUTCOMES = ['released', 'timeout', 'client_gone', 'full', 'abandoned'] as const;

/** Told of each wait. */
export interface HoldObserver {
  /** It begins. */
  began(backend: string): void;
  /** It is over, or (`full`) there was no room for it. */
  ended(backend: string, outcome: HoldOutcome, heldMs: number): void;
}

/** What the queue calls. What throws costs its own place, and keeps the queue from no other. */
export interface Waiter {
  /** Picks again. True: it goes on (or was answered) and leaves the queue; false: it waits on. */
  retry(): boolean;
  /** `hold.timeout` has passed; it is out of the queue already. */
  expire(): void;
  /** A reload changed the rules: it may wait on elsewhere, go on, or be answered; it gives its place up itself then. */
  rematch(): void;
  /** A mistake was met in one of these; it is out of the queue already. Ends what waited. */
  crashed(): void;
}

/** A place in the queue. */
export interface Held {
  /** Counts body bytes kept while waiting. False: over `maxBytes`, nothing counted; the caller leaves with `full`. */
  addBytes(count: number): boolean;
  /** Gives the place up; a second call does nothing. */
  leave(outcome: HoldOutcome): void;
  /** Monotonic milliseconds at which it entered. */
  readonly sinceMs: number;
  /** Orders places over all queues by when they were entered first. */
  readonly arrival: number;
}

let arrivals = 0;

/** How many may be on their way to their Pod at a time: one that has just begun to lead is not overrun. */
const BURST = 100;

/**
 * Requests and connections that wait for a Pod of one backend, in order of arrival over all rules (SPEC 3, Holding).
 * Limits count per rule. One timer serves the queue, set to the earliest deadline.
 *
 * Safe to re-enter: `retry` may enter, leave or wake. What enters while earlier ones are being released is tried after
 * them; so that a new request does not overtake them without entering, ask `releasing` first.
 */
export class HoldQueue {
  readonly #clock: Clock;
  readonly #metrics: Metrics;
  readonly #backend: string;
  readonly #observers: readonly HoldObserver[];
  readonly #gauge: Cell;
  readonly #durations = new Map<HoldOutcome, HistogramCell>();
  /** In order of arrival. */
  #places = new Set<Place>();
  /** By `timeoutMs`: within one, the order of arrival is that of the deadlines. */
  readonly #lanes = new Map<number, Set<Place>>();
  readonly #usage = new Map<string, { requests: number; bytes: number }>();
  #peak = 0;
  #timer: Timer | null = null;
  #timerDueMs = Number.POSITIVE_INFINITY;
  #waking = false;
  /** A pass over those that entered during the last one is due. */
  #passDue = false;
  /** The last pass ended early, since as many as may were on their way. */
  #burstOver = false;
  /** Those that were released and have not sent anything yet. */
  readonly row = new ReleaseRow(() => this.#goOn());

  constructor(
    backend: string,
    metrics: Metrics,
    clock: Clock = systemClock,
    observers: readonly HoldObserver[] = [],
  ) {
    this.#observers = observers;
    this.#backend = backend;
    this.#metrics = metrics;
    this.#clock = clock;
    this.#gauge = metrics.heldRequests.with(backend);
  }

  get size(): number {
    return this.#places.size;
  }

  /** How long the one that waits longest has waited, in milliseconds; 0: none waits. */
  get longestMs(): number {
    for (const { sinceMs } of this.#places) return this.#clock.nowMs() - sinceMs;
    return 0;
  }

  /** Most that waited at a time since this was asked last. */
  takePeak(): number {
    const peak = this.#peak;
    this.#peak = this.#places.size;
    return peak;
  }

  /**
   * Whether requests that came earlier are being released right now. A new request that could be held must then enter
   * although it would find a Pod: it is tried as soon as those before it have left.
   */
  get releasing(): boolean {
    return this.#places.size > 0 && (this.#waking || this.#passDue || this.#burstOver);
  }

  /** All that holds can end by exists from 0 on. */
  show(): void {
    for (const outcome of HOLD_OUTCOMES) this.#cellOf(outcome);
  }

  /** What waits of this rule. */
  usageOf(ruleName: string): { readonly requests: number; readonly bytes: number } {
    return this.#usage.get(ruleName) ?? { requests: 0, bytes: 0 };
  }

  /** Whether one more of this rule, with so many body bytes, may wait. */
  hasRoom(ruleName: string, { maxRequests, maxBytes }: HoldConfig, bytes: number): boolean {
    const usage = this.#usage.get(ruleName);
    return (usage?.requests ?? 0) < maxRequests && (usage?.bytes ?? 0) + bytes <= maxBytes;
  }

  /**
   * @param limits `timeoutMs` counts from now
   * @param bytes body bytes kept already
   * @param from the place that it leaves for this one after a reload: it keeps its time and order of arrival, and is not turned away
   * @returns null: the rule holds `maxRequests` or `maxBytes` already
   */
  enter(
    ruleName: string,
    limits: HoldConfig,
    bytes: number,
    waiter: Waiter,
    from: { readonly queue: HoldQueue; readonly held: Held } | null = null,
  ): Held | null {
    if (from !== null) from.queue.#take(from.held as Place);
    if (from === null && !this.hasRoom(ruleName, limits, bytes)) {
      this.#observe('full', 0);
      return null;
    }
    const usage = this.#usage.get(ruleName) ?? { requests: 0, bytes: 0 };
    usage.requests++;
    usage.bytes += bytes;
    this.#usage.set(ruleName, usage);
    const nowMs = this.#clock.nowMs();
    const place: Place = {
      arrival: from?.held.arrival ?? arrivals++,
      sinceMs: from?.held.sinceMs ?? nowMs,
      ruleName,
      limits,
      waiter,
      bytes,
      deadlineMs: nowMs + limits.timeoutMs,
      addBytes: (count) => this.#addBytes(place, count),
      leave: (outcome) => this.#leave(place, outcome),
    };
    this.#places.add(place);
    this.#peak = Math.max(this.#peak, this.#places.size);
    const lane = this.#lanes.get(limits.timeoutMs);
    if (lane === undefined) this.#lanes.set(limits.timeoutMs, new Set([place]));
    else lane.add(place);
    this.#gauge.value++;
    if (from === null) for (const observer of this.#observers) observer.began(this.#backend);
    if (this.#waking) this.#passDue = true;
    this.#arm(place.deadlineMs);
    return place;
  }

  /** Those that wait, in order of arrival. */
  waiting(): { readonly arrival: number; rematch(): void }[] {
    return [...this.#places].map((place) => ({
      arrival: place.arrival,
      rematch: () => {
        if (this.#places.has(place)) this.#call(place, () => place.waiter.rematch());
      },
    }));
  }

  /** Puts those that came from other queues where they belong by their arrival. */
  sort(): void {
    this.#places = new Set([...this.#places].sort((a, b) => a.arrival - b.arrival));
  }

  /** Lets each that waits pick again, in order of arrival. Called on every snapshot that changed the backend. */
  wake(): void {
    if (this.#waking) {
      this.#passDue = true;
      return;
    }
    this.#waking = true;
    this.#passDue = false;
    this.#burstOver = false;
    const before = arrivals;
    try {
      for (const place of this.#places) {
        if (place.arrival >= before) break;
        if (this.row.size >= BURST) {
          this.#burstOver = true;
          break;
        }
        if (this.#places.has(place))
          this.#call(place, () => {
            if (place.waiter.retry()) this.#leave(place, 'released');
          });
      }
    } finally {
      this.#waking = false;
      if (this.#passDue) this.#wakeLater();
    }
  }

  /** A pass of its own, a turn later: a waiter that enters again from within its own retry must not spin the loop. */
  #wakeLater(): void {
    this.#passDue = true;
    this.#clock.after(0, () => {
      if (this.#passDue) this.wake();
    });
  }

  /** One that was released has sent its first byte, or will not. */
  #goOn(): void {
    const isDue = this.row.size === 0 || (this.#burstOver && this.row.size < BURST / 2);
    if (isDue && this.#places.size > 0 && !this.#waking && !this.#passDue) this.#wakeLater();
  }

  #addBytes(place: Place, count: number): boolean {
    const usage = this.#usage.get(place.ruleName);
    if (usage === undefined || !this.#places.has(place)) return false;
    if (usage.bytes + count > place.limits.maxBytes) return false;
    usage.bytes += count;
    place.bytes += count;
    return true;
  }

  #call(place: Place, run: () => void): void {
    runGuarded('hold', run, () => {
      this.#leave(place, 'abandoned');
      place.waiter.crashed();
    });
  }

  #leave(place: Place, outcome: HoldOutcome): void {
    if (this.#take(place)) this.#observe(outcome, this.#clock.nowMs() - place.sinceMs);
  }

  /** @returns false: it has left already */
  #take(place: Place): boolean {
    if (!this.#places.delete(place)) return false;
    const { ruleName, limits } = place;
    const lane = this.#lanes.get(limits.timeoutMs)!;
    lane.delete(place);
    if (lane.size === 0) this.#lanes.delete(limits.timeoutMs);
    const usage = this.#usage.get(ruleName)!;
    usage.requests--;
    usage.bytes -= place.bytes;
    if (usage.requests === 0) this.#usage.delete(ruleName);
    this.#gauge.value--;
    if (this.#places.size === 0) this.#disarm();
    return true;
  }

  #observe(outcome: HoldOutcome, durationMs: number): void {
    this.#metrics.holdDuration.observe(this.#cellOf(outcome), durationMs / 1000);
    for (const observer of this.#observers) observer.ended(this.#backend, outcome, durationMs);
  }

  #cellOf(outcome: HoldOutcome): HistogramCell {
    let cell = this.#durations.get(outcome);
    if (cell === undefined) {
      cell = this.#metrics.holdDuration.with(this.#backend, outcome);
      this.#durations.set(outcome, cell);
    }
    return cell;
  }

  #arm(dueMs: number): void {
    if (dueMs >= this.#timerDueMs) return;
    this.#timer?.clear();
    this.#timerDueMs = dueMs;
    this.#timer = this.#clock.after(dueMs - this.#clock.nowMs(), () => this.#expire());
  }

  #disarm(): void {
    this.#timer?.clear();
    this.#timer = null;
    this.#timerDueMs = Number.POSITIVE_INFINITY;
  }

  #expire(): void {
    this.#disarm();
    const nowMs = this.#clock.nowMs();
    const due: Place[] = [];
    for (const lane of this.#lanes.values())
      for (const place of lane) {
        if (place.deadlineMs > nowMs) break;
        due.push(place);
      }
    due.sort((a, b) => a.deadlineMs - b.deadlineMs || a.arrival - b.arrival);
    for (const place of due) {
      if (!this.#places.has(place)) continue;
      this.#leave(place, 'timeout');
      this.#call(place, () => place.waiter.expire());
    }
    for (const lane of this.#lanes.values())
      for (const place of lane) {
        this.#arm(place.deadlineMs);
        break;
      }
  }
}

interface Place extends Held {
  readonly ruleName: string;
  readonly limits: HoldConfig;
  readonly waiter: Waiter;
  readonly deadlineMs: number;
  bytes: number;
}
