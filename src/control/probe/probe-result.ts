import type { TlsConfig } from '../../model/config.ts';
import { TLS_EXPECTED, type TlsCause } from '../../platform/tls/failure.ts';
import type { Lineage } from './lineage.ts';

/**
 * How a probe ended, the `result` label of `headroute_probes_total`. `local_error`: none could be made, for this machine lacks
 * something; it says nothing about the Pod.
 */
export type ProbeOutcome = 'success' | 'failure' | 'timeout' | 'refused' | 'error' | 'local_error';

export interface ProbeResult {
  readonly outcome: ProbeOutcome;
  /** In words, as `/state` and the log show it. */
  readonly reason: string;
  /** What kind of failure it is, where the outcome alone does not say: `http_503`, `error_reply`. */
  readonly kind?: string;
  /** What the Pod said, quoted (its first 60 printable bytes), where `reason` does not hold it. */
  readonly said?: string | null;
  /**
   * Whether the Pod said something. For leadership an answer that does not claim ends the claim at once, silence only
   * after `failureThreshold`.
   */
  readonly answered: boolean;
  /** Canonical decimal digits, where a term was asked for and shown by a success. */
  readonly term: string | null;
  /** Whom the Pod followed, where that was asked for and a success showed it. */
  readonly lineage?: Lineage | null;
  /** It answered, but not what it was asked: an error of its own. */
  readonly unclear?: true;
  /** No address of the Pod gave a sign of life: no connection in time, or nobody knows a way to it. */
  readonly unreachable?: true;
  /** Why there was no TLS. */
  readonly tls?: TlsCause;
}

/** Where a probe goes. */
export interface ProbeTarget {
  /** Tried in order. */
  readonly addresses: readonly string[];
  /** The Pod's data port. */
  readonly port: number;
  readonly dnsName: string;
  /** Of the data port; absent or null: plain. */
  readonly tls?: TlsConfig | null;
  /** Its name in certificates, unless the configuration gives one: a DNS name. Default: `dnsName`. */
  readonly tlsName?: string;
}

/** `cancel` ends it without a result. `done` is called once, never before `runProbe` returned. */
export interface RunningProbe {
  cancel(): void;
}

export function failed(
  outcome: Exclude<ProbeOutcome, 'success'>,
  reason: string,
  answered = false,
): ProbeResult {
  return { outcome, reason, answered, term: null };
}

/** It answered in TLS what was said in plain text. */
export function spokeTls(): ProbeResult {
  return { ...failed('failure', TLS_EXPECTED, true), tls: 'tls_expected' };
}

/** `1500` → `1500ms`, `2000` → `2s`. */
export function formatMs(ms: number): string {
  return ms >= 1000 && ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`;
}

/** A Pod's text for a log line: printable, at most `limit` characters. */
export function printable(text: string, limit = 100): string {
  const clean = text.replace(/[^\x20-\x7e]/g, '?');
  return clean.length > limit ? `${clean.slice(0, limit)}…` : clean;
}

const ERRORS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EPIPE: 'connection reset',
  EHOSTUNREACH: 'host unreachable',
  ENETUNREACH: 'network unreachable',
  ETIMEDOUT: 'connection not accepted in time',
};

/** An error of Node's in words. */
export function errorWords(error: Error & { code?: string }): string {
  return ERRORS[error.code ?? ''] ?? printable(error.code ?? error.message);
}
