import { connect, type Socket } from 'node:net';
import { guarded } from '../../platform/guard.ts';
import { localErrorOf } from '../../platform/local-error.ts';
import { errorWords, failed, formatMs, type ProbeResult } from './probe-result.ts';

/** Of a host that is gone, or to which nobody knows a way. */
const UNREACHABLE: ReadonlySet<string | undefined> = new Set([
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
]);

/**
 * Opens a connection of a probe's own, to the first address that takes it. With a second address the first gets half of
 * the time, so that a family that leads nowhere does not use up all of it (A and AAAA of one Pod).
 * Exactly one of the callbacks is called, once, unless cancelled. The failure is the one that says most about the Pod: a refusal
 * before silence, and an error of this machine's own only where no address could be asked.
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
  let told: ProbeResult | null = null;
  const tryAddress = (index: number, leftMs: number): void => {
    const startedMs = performance.now();
    const last = index + 1 >= addresses.length;
    const next = (result: ProbeResult): void => {
      clearTimeout(timer);
      attempt.removeAllListeners();
      attempt.on('error', ignore);
      attempt.destroy();
      const remainingMs = leftMs - (performance.now() - startedMs);
      if (told === null || weight(result) >= weight(told)) told = result;
      if (last || remainingMs <= 0) onFailure(told);
      else tryAddress(index + 1, remainingMs);
    };
    const attempt = connect({ host: addresses[index]!, port, noDelay: true });
    socket = attempt;
    const over = (): void => next(failed('error', 'internal error'));
    timer = setTimeout(
      guarded('probe', () =>
        next(unreachable('timeout', `connection not accepted within ${formatMs(timeoutMs)}`)),
      ),
      last ? leftMs : leftMs / 2,
    );
    timer.unref();
    const onError = (error: Error & { code?: string }): void => {
      const local = localErrorOf(error.code);
      if (local !== null) next(failed('local_error', `no probe could be made: ${local}`));
      else if (UNREACHABLE.has(error.code)) next(unreachable('error', errorWords(error)));
      else next(failed(error.code === 'ECONNREFUSED' ? 'refused' : 'error', errorWords(error)));
    };
    const onConnect = (): void => {
      clearTimeout(timer);
      attempt.removeAllListeners();
      attempt.on('error', ignore);
      onOpen(attempt);
    };
    attempt.on('error', guarded('probe', onError, over));
    attempt.on('connect', guarded('probe', onConnect, over));
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

function unreachable(outcome: 'timeout' | 'error', reason: string): ProbeResult {
  return { ...failed(outcome, reason), unreachable: true };
}

/** How much a failure says about the Pod. */
function weight({ outcome, unreachable }: ProbeResult): number {
  if (outcome === 'local_error') return 0;
  return unreachable === true ? 1 : 2;
}

function ignore(): void {}
