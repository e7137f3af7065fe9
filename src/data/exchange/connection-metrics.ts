import type { Metrics } from '../../observe/metrics.ts';
import type { ConnectionFacts, ConnectionObserver } from './connection-observer.ts';

/** Counts each TCP connection and each upgraded one at its end, by the name that its listener has then. */
export class ConnectionMetrics implements ConnectionObserver {
  readonly #metrics: Metrics;

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
  }

  ended({ listener, ended }: ConnectionFacts): void {
    this.#metrics.connectionsClosed.with(listener.snapshot.config.name, ended.end).value++;
  }
}
