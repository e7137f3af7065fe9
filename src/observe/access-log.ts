import type { AccessMode } from '../model/config.ts';
import type { ConnectionEnd } from '../model/connection-end.ts';
import type { FailureLabel } from '../model/failure.ts';
import type { Logger } from '../platform/logger.ts';

/** One request, as its line tells. `null`: it did not come so far. */
export interface AccessRecord {
  readonly listener: string;
  /** Address and port. */
  readonly client: string;
  /** `''` where the head could not be read, as for the next two. */
  readonly method: string;
  /** Lower case, without port. */
  readonly host: string;
  /** Raw path, without the query: queries carry secrets. */
  readonly path: string;
  readonly rule: string | null;
  readonly backend: string | null;
  /** The Pod that it went to last. */
  readonly pod: string | null;
  /** The Pods of a fan-out, the first hundred of them. */
  readonly pods: readonly string[] | null;
  /** null where the client left before an answer began, or the answer broke off. */
  readonly status: number | null;
  readonly failure: FailureLabel | null;
  /** Why, of a failure that is not the client's own: what a client sent is not shown. */
  readonly detail: string | null;
  /** Whether any byte of it went to a Pod. */
  readonly sent: boolean;
  readonly attempts: number;
  readonly heldMs: number;
  /** From the request's head to the first byte of the answer. */
  readonly firstByteMs: number | null;
  readonly durationMs: number;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  /** Of a valid `traceparent`. */
  readonly traceId: string | null;
  readonly userAgent: string | null;
}

/** One connection of a TCP listener, or one that was upgraded, as its line tells. */
export interface ConnectionRecord {
  readonly kind: 'tcp' | 'upgrade';
  readonly listener: string;
  /** Address and port. */
  readonly client: string;
  /** null: no rule took it. */
  readonly rule: string | null;
  readonly backend: string | null;
  /** The Pod that it was with, or that was tried last. */
  readonly pod: string | null;
  readonly attempts: number;
  readonly heldMs: number;
  /** From its beginning, or that of the request that was upgraded. */
  readonly durationMs: number;
  /** From the client. */
  readonly bytesReceived: number;
  /** To the client. */
  readonly bytesSent: number;
  readonly end: ConnectionEnd;
  /** What the end does not say; null: nothing. */
  readonly detail: string | null;
}

/** Writes a line for each request, and for each connection that carries something else, as `log.access` wants it. */
export class AccessLog {
  /** Follows `log.access`, also on a reload. */
  mode: AccessMode;
  readonly #logger: Pick<Logger, 'info'>;

  /** @param logger writes whatever its level is: `log.level` is of what headroute says of itself */
  constructor(logger: Pick<Logger, 'info'>, mode: AccessMode) {
    this.#logger = logger;
    this.mode = mode;
  }

  /** To be asked before a record is made: off, it costs one comparison. */
  wants(isError: boolean): boolean {
    return this.mode === true || (isError && this.mode === 'errors');
  }

  request(record: AccessRecord): void {
    this.#logger.info(record, 'request');
  }

  connection(record: ConnectionRecord): void {
    this.#logger.info(record, 'connection');
  }
}
