/**
 * Guards at the entries from the event loop (docs/adr/0008). A mistake of this program that is met in a handler of a socket, a
 * timer or a subscriber costs what the handler was for (a connection, a probe, a wait) and neither the process nor the rest.
 */

/** Where the event loop enters the program, the `where` label of `headroute_internal_errors_total`. */
export const ENTRIES = [
  /** A client's HTTP connection. */
  'client',
  /** A connection to a Pod that serves requests. */
  'pod',
  /** A TCP connection, on either side. */
  'tcp',
  /** What waits for a Pod. */
  'hold',
  'timer',
  'turn_end',
  /** Who is told of a snapshot. */
  'subscriber',
  'peer_watch',
  /** The making of a snapshot. */
  'control',
  'probe',
  'dns',
  'admin',
  /** Nobody guarded it. */
  'unknown',
] as const;

export type Entry = (typeof ENTRIES)[number];

/** @param context what a log line should say besides */
export type InternalErrorListener = (where: Entry, error: unknown, context: object) => void;

const listeners = new Set<InternalErrorListener>();

/** Who counts and logs. @returns a function that ends it */
export function onInternalError(listener: InternalErrorListener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Reports a mistake that was met. Where nobody listens (tests of parts) it is thrown after all, in a microtask of its own. */
export function crashed(where: Entry, error: unknown, context: object = {}): void {
  if (listeners.size === 0)
    queueMicrotask(() => {
      throw error;
    });
  for (const listener of listeners) listener(where, error, context);
}

/** Runs; what it throws is reported. @param pay ends what it was for */
export function runGuarded(where: Entry, run: () => void, pay?: (error: unknown) => void): void {
  try {
    run();
  } catch (error) {
    crashed(where, error);
    if (pay !== undefined) runGuarded(where, () => pay(error));
  }
}

/** `run` with a guard around it, to be given to the event loop. Not for the hot path: it makes an array a call. */
export function guarded<A extends readonly unknown[]>(
  where: Entry,
  run: (...args: A) => void,
  pay?: (error: unknown) => void,
): (...args: A) => void {
  return (...args) => runGuarded(where, () => run(...args), pay);
}
