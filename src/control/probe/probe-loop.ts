import type { Clock, Timer } from '../../platform/clock.ts';
import { runGuarded } from '../../platform/guard.ts';
import type { Random } from '../../platform/random.ts';
import type { Launcher } from './launcher.ts';
import { failed, type ProbeResult, type RunningProbe } from './probe-result.ts';

export interface ProbeLoopDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly launcher: Launcher;
}

export interface ProbeLoopOptions {
  readonly periodMs: number;
  /** Another period for now, if any; not longer than `periodMs`. */
  paceMs?(): number;
  begin(done: (result: ProbeResult) => void): RunningProbe;
  /** @param startedMs monotonic milliseconds at which the probe began. */
  onResult(result: ProbeResult, startedMs: number): void;
}

/** Jitter only ever shortens the period: the bound D of SPEC 3 holds with it. */
const JITTER = 0.1;
/** The first gap is spread over almost a whole period, so that Pods which joined together are not probed together. */
const FIRST_JITTER = 0.9;
/** At a quicker pace: what made it quicker (a leader that died) was seen by many sidecars in the same moment. */
const SEARCH_JITTER = 0.5;
/** `probeSoon` begins at most ten probes a second. */
const SOON_GAP_MS = 100;

/**
 * The probes of one kind of one Pod: the first at once, then one a period counted from the last start, never two at a
 * time. `probeNow` asks for one that begins from now on.
 */
export class ProbeLoop {
  readonly #options: ProbeLoopOptions;
  readonly #deps: ProbeLoopDeps;
  #running: RunningProbe | null = null;
  /** Waits in the launcher or runs. */
  #busy = false;
  #again = false;
  #closed = false;
  #timer: Timer | null = null;
  #soonTimer: Timer | null = null;
  #startedMs = 0;
  #jitter = FIRST_JITTER;
  #lastSoonMs = Number.NEGATIVE_INFINITY;
  /** Of those that wait for the next start. */
  #waiting: (() => void)[] = [];

  constructor(options: ProbeLoopOptions, deps: ProbeLoopDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** Begins a probe, or another one after the one under way. `finished` is called after its result, or on `close`. */
  probeNow(finished?: () => void): void {
    if (this.#closed) {
      finished?.();
      return;
    }
    if (finished !== undefined) this.#waiting.push(finished);
    if (this.#running !== null) this.#again = true;
    else this.#launch();
  }

  /** As `probeNow`, but at most ten times a second. */
  probeSoon(): void {
    if (this.#closed || this.#soonTimer !== null) return;
    const { clock } = this.#deps;
    const waitMs = this.#lastSoonMs + SOON_GAP_MS - clock.nowMs();
    const go = (): void => {
      this.#soonTimer = null;
      this.#lastSoonMs = clock.nowMs();
      this.probeNow();
    };
    if (waitMs <= 0) go();
    else this.#soonTimer = clock.after(waitMs, go);
  }

  /** The pace has changed: the next probe keeps the new one, at a random time, for it changed in other sidecars too. */
  repace(): void {
    if (this.#closed || this.#busy || this.#timer === null) return;
    this.#jitter = FIRST_JITTER;
    this.#next();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#timer?.clear();
    this.#soonTimer?.clear();
    this.#running?.cancel();
    this.#running = null;
    const waiting = [...this.#waiting, ...this.#current];
    this.#waiting = [];
    this.#current = [];
    for (const finished of waiting) finished();
  }

  /** Of those that wait for the probe under way. */
  #current: (() => void)[] = [];

  #launch(): void {
    if (this.#busy) return;
    this.#busy = true;
    this.#timer?.clear();
    this.#timer = null;
    this.#deps.launcher.launch(() => this.#begin());
  }

  #begin(): void {
    if (this.#closed) return;
    const { clock } = this.#deps;
    this.#startedMs = clock.nowMs();
    this.#again = false;
    this.#current = this.#waiting;
    this.#waiting = [];
    let ended = false;
    const startedMs = this.#startedMs;
    const done = (result: ProbeResult): void => {
      if (ended || this.#closed) return;
      ended = true;
      this.#running = null;
      this.#busy = false;
      // Before the result is told: it may begin another probe at once, with others who wait for that one.
      const current = this.#current;
      this.#current = [];
      runGuarded('probe', () => this.#options.onResult(result, startedMs));
      for (const finished of current) runGuarded('probe', finished);
      this.#next();
    };
    // Whatever a probe meets, the next one follows.
    const begin = (): void => {
      const running = this.#options.begin(done);
      if (!ended) this.#running = running;
    };
    runGuarded('probe', begin, () => done(failed('error', 'internal error')));
  }

  #next(): void {
    if (this.#closed || this.#busy) return;
    const { clock, random } = this.#deps;
    const periodMs = this.#options.paceMs?.() ?? this.#options.periodMs;
    const dueMs = this.#startedMs + periodMs * (1 - this.#jitter * random());
    this.#jitter = periodMs < this.#options.periodMs ? SEARCH_JITTER : JITTER;
    const waitMs = this.#again ? 0 : dueMs - clock.nowMs();
    this.#timer?.clear();
    if (waitMs <= 0) this.#launch();
    else this.#timer = clock.after(waitMs, () => this.#launch());
  }
}
