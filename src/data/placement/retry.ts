import { isSafeMethod } from '../safe-methods.ts';

/** Bytes of a body that are kept so that the request can be sent again. */
export const KEPT_BODY_BYTES = 64 * 1024;

/** What ended an attempt. */
export type AttemptEnd =
  /** Nothing was written upstream, or the Pod refused the connection. */
  | 'connect_failed'
  /** Closed or reset before the answer's head was whole. */
  | 'reset'
  /** A status of `retry.codes`. */
  | 'status';

/**
 * Whether a request may be sent again after this end of an attempt (SPEC 3, Retrying): only if it cannot have been
 * executed, or executing it twice does no harm.
 */
export function mayRepeat(method: string, end: AttemptEnd): boolean {
  return end === 'connect_failed' || isSafeMethod(method);
}
