import type { Failure } from './failure.ts';

/**
 * How a connection that carries bytes rather than requests ended, of a TCP listener or upgraded. With the failures of a connection
 * that never had a Pod it is the closed list of the access log's `end` and of a metric's `reason`.
 */
export const CONNECTION_ENDS = [
  /** The client ended its side first, and both ways ended in order; or it left before there was a Pod. */
  'client',
  /** The Pod ended its side first, and both ways ended in order. */
  'pod',
  /** Either side broke off. */
  'reset',
  /** Either side was not heard of any more: keepalive, or what was sent to it, is not answered. */
  'vanished',
  /** `onDemotion`: its Pod leads no more, or is about to be replaced. */
  'demotion',
  /** `onUnready`: its Pod has turned unready. */
  'unready',
  /** Its Pod has left DNS and gives no sign of life. */
  'gone',
  /** Its backend or listener was removed, `shutdown.timeout` ago. */
  'removed',
  /** The sidecar shuts down. */
  'shutdown',
  /** A mistake of this program. */
  'internal_error',
] as const;

export type ConnectionEnd = (typeof CONNECTION_ENDS)[number] | Failure;
