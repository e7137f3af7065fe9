import type { AccessLog } from '../../observe/access-log.ts';
import { monotonicMs } from '../../platform/clock.ts';
import type { ConnectionFacts, ConnectionObserver } from './connection-observer.ts';

/** A line for each TCP connection and each upgraded one in the access log, where that is on. */
export class ConnectionLog implements ConnectionObserver {
  readonly #log: AccessLog;

  constructor(log: AccessLog) {
    this.#log = log;
  }

  ended({
    kind,
    listener,
    address,
    rule,
    backend,
    pod,
    attempts,
    heldMs,
    startedMs,
    ended,
  }: ConnectionFacts): void {
    const isError = ended.end !== 'client' && ended.end !== 'pod';
    if (!this.#log.wants(isError)) return;
    this.#log.connection({
      kind,
      listener: listener.snapshot.config.name,
      client: address,
      rule,
      backend,
      pod: pod?.name ?? null,
      attempts,
      heldMs: Math.round(heldMs),
      durationMs: Math.round((monotonicMs() - startedMs) * 1000) / 1000,
      bytesReceived: ended.bytesReceived,
      bytesSent: ended.bytesSent,
      end: ended.end,
      detail: ended.detail,
    });
  }
}
