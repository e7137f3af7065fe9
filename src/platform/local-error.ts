import { type Clock, systemClock } from './clock.ts';
import type { Logger } from './logger.ts';

/**
 * Why a connection could not even be asked for: what this process, this machine or its kernel has run out of (socket(2),
 * connect(2)). Nothing was sent, so it says nothing about the peer. What is not here is about the peer: a firewall's EPERM or
 * EACCES and a missing route (ENETUNREACH) stay as they are and concern its address alone.
 */
const LOCAL: Readonly<Record<string, string>> = {
  EMFILE: 'this process may open no more files',
  ENFILE: 'this machine can open no more files',
  EADDRNOTAVAIL: 'no local port or address is free',
  EAGAIN: 'no local port is free',
  ENOBUFS: 'the kernel has no buffers left',
  ENOMEM: 'the kernel has no memory left',
};

/** @param code of Node's error. @returns what is missing here, in words with the code, or null: the error is not this machine's own */
export function localErrorOf(code: string | undefined): string | null {
  const words = code === undefined || !Object.hasOwn(LOCAL, code) ? undefined : LOCAL[code];
  return words === undefined ? null : `${words} (${code})`;
}

/** Errors with less than so much between them are one burst. */
const BURST_MS = 10_000;

/** Says once in a burst that this machine lacks something: there may be thousands a second. Metrics count them all. */
export class LocalErrorLog {
  readonly #logger: Logger;
  readonly #clock: Clock;
  /** By reason, the last of a burst (monotonic milliseconds). */
  readonly #lastMs = new Map<string, number>();

  constructor(logger: Logger, clock: Clock = systemClock) {
    this.#logger = logger;
    this.#clock = clock;
  }

  /** @param what could not be done. @param reason of `localErrorOf` */
  report(what: string, reason: string): void {
    const nowMs = this.#clock.nowMs();
    const lastMs = this.#lastMs.get(reason);
    this.#lastMs.set(reason, nowMs);
    if (lastMs === undefined || nowMs - lastMs > BURST_MS) this.#logger.warn({ what, reason }, 'local error');
  }
}
