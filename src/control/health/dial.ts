import { connect, type Socket } from 'node:net';
import { errorWords, failed, formatMs, type ProbeResult } from './probe-result.ts';

/**
 * Opens a connection of a probe's own, to the first address that takes it. With a second address the first gets half of
 * the time, so that a family that leads nowhere does not use up all of it (A and AAAA of one Pod).
 * Exactly one of the callbacks is called, once, unless cancelled.
 *
 * @returns a function that gives it up (or destroys the connection already handed over).
 */
export function dial(
  addresses: readonly string[],
  port: number,
  timeoutMs: number,
  onOpen: (socket: Socket) => void,
  onFailure: (result: ProbeResult) => void,
): () => void {
  let socket: Socket | null = null;
  let timer: NodeJS.Timeout | undefined;
  const tryAddress = (index: number, leftMs: number): void => {
    const startedMs = performance.now();
    const last = index + 1 >= addresses.length;
    const next = (result: ProbeResult): void => {
      clearTimeout(timer);
      attempt.removeAllListeners();
      attempt.on('error', ignore);
      attempt.destroy();
      const remainingMs = leftMs - (performance.now() - startedMs);
      if (last || remainingMs <= 0) onFailure(result);
      else tryAddress(index + 1, remainingMs);
    };
    const attempt = connect({ host: addresses[index]!, port, noDelay: true });
    socket = attempt;
    timer = setTimeout(
      () => next(failed('timeout', `connection not accepted within ${formatMs(timeoutMs)}`)),
      last ? leftMs : leftMs / 2,
    );
    timer.unref();
    attempt.on('error', (error: Error & { code?: string }) => {
      next(failed(error.code === 'ECONNREFUSED' ? 'refused' : 'error', errorWords(error)));
    });
    attempt.on('connect', () => {
      clearTimeout(timer);
      attempt.removeAllListeners();
      attempt.on('error', ignore);
      onOpen(attempt);
    });
  };
  tryAddress(0, timeoutMs);
  return () => {
    clearTimeout(timer);
    if (socket === null) return;
    socket.removeAllListeners();
    socket.on('error', ignore);
    socket.destroy();
  };
}

function ignore(): void {}
