import type { HostPort } from '../../../model/config.ts';
import type { Clock, Timer } from '../../../platform/clock.ts';
import { sameAddress } from './names.ts';

/**
 * How long a failover may be under way without an end before it is not waited for any more: a Sentinel that began one may have died.
 * By then a promoted replica has been found by probes, and the others have heard of it (1.1 s, measured).
 */
export const FAILOVER_MS = 10_000;

/** A failover under way. The same object for as long as it is. */
export interface Failover {
  /** The master that is to be replaced. */
  readonly from: HostPort;
}

/**
 * Whether a failover is under way: what is believed, whoever listens to the Sentinels, for a reload may replace that one meanwhile. It begins with the word of any one Sentinel, for to wait does no harm, and ends
 * - with the word of the one that began it that it gave it up: others give up whenever they are not elected;
 * - when a majority names another master than before;
 * - after `FAILOVER_MS`.
 */
export class FailoverWatch {
  readonly #clock: Clock;
  readonly #onChange: () => void;
  /** By Sentinel. */
  readonly #begun = new Map<string, { readonly untilMs: number; readonly timer: Timer }>();
  #current: Failover | null = null;
  #namedBefore: HostPort | null = null;

  constructor(clock: Clock, onChange: () => void) {
    this.#clock = clock;
    this.#onChange = onChange;
  }

  get current(): Failover | null {
    return this.#current;
  }

  /** @param named whom a majority names now */
  begins(sentinel: string, from: HostPort, named: HostPort | null): void {
    if (this.#begun.has(sentinel)) return;
    this.#wait(sentinel, this.#clock.nowMs() + FAILOVER_MS);
    if (this.#current !== null) return;
    this.#current = { from };
    this.#namedBefore = named;
    this.#onChange();
  }

  aborts(sentinel: string): void {
    this.#ended(sentinel);
  }

  /** @param named whom a majority names now; null: nobody */
  majority(named: HostPort | null): void {
    if (this.#current === null || named === null) return;
    if (sameAddress(named, this.#current.from) || sameAddress(named, this.#namedBefore)) return;
    this.close();
    this.#onChange();
  }

  /** Goes on from what another one knows. */
  follow(before: FailoverWatch): void {
    this.close();
    for (const [sentinel, { untilMs }] of before.#begun) this.#wait(sentinel, untilMs);
    this.#current = before.#current;
    this.#namedBefore = before.#namedBefore;
  }

  close(): void {
    for (const { timer } of this.#begun.values()) timer.clear();
    this.#begun.clear();
    this.#current = null;
  }

  #wait(sentinel: string, untilMs: number): void {
    const timer = this.#clock.after(untilMs - this.#clock.nowMs(), () => this.#ended(sentinel));
    this.#begun.set(sentinel, { untilMs, timer });
  }

  #ended(sentinel: string): void {
    this.#begun.get(sentinel)?.timer.clear();
    if (!this.#begun.delete(sentinel) || this.#begun.size > 0) return;
    this.#current = null;
    this.#onChange();
  }
}
