import type { FailureLabel } from '../model/failure.ts';
import type { Logger } from '../platform/logger.ts';

/** One request, as its line tells. `null`: it did not come so far. */
export interface AccessRecord {
  readonly method: string;
  /** Raw path, without the query: queries carry secrets. */
  readonly path: string;
  readonly rule: string | null;
  readonly backend: string | null;
  readonly pod: string | null;
  /** null where the client left before an answer began. */
  readonly status: number | null;
  readonly failure: FailureLabel | null;
  readonly attempts: number;
  readonly heldMs: number;
  readonly durationMs: number;
  readonly bytesReceived: number;
  readonly bytesSent: number;
}

/** Writes one `info` line a request. Ask `enabled` before making a record: off, it costs one comparison. */
export class AccessLog {
  /** Follows `log.access`, also on a reload. */
  enabled: boolean;
  readonly #logger: Logger;

  constructor(logger: Logger, enabled: boolean) {
    this.#logger = logger;
    this.enabled = enabled;
  }

  write(record: AccessRecord): void {
    if (this.enabled) this.#logger.info(record, 'request');
  }
}
