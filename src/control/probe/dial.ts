import type { Socket } from 'node:net';
import { type DialFailure, type DialTarget, systemDialer } from '../../platform/dialer.ts';
import { guarded } from '../../platform/guard.ts';
import { errorWords, failed, formatMs, type ProbeResult } from './probe-result.ts';

/**
 * Opens a connection of a probe's own (platform/dialer.ts). Exactly one of the callbacks is called, once, unless cancelled.
 *
 * @returns a function that gives it up (or destroys the connection already handed over).
 */
export function dial(
  { addresses, port, timeoutMs, tls }: Omit<DialTarget, 'options'>,
  onOpen: (socket: Socket) => void,
  onFailure: (result: ProbeResult) => void,
): () => void {
  let opened: Socket | null = null;
  const over = (): void => {
    opened?.destroy();
    onFailure(failed('error', 'internal error'));
  };
  const dialling = systemDialer.dial(
    { addresses, port, timeoutMs, options: { noDelay: true }, ...(tls == null ? {} : { tls }) },
    {
      opened: guarded(
        'probe',
        (socket: Socket) => {
          opened = socket;
          socket.on('error', ignore);
          onOpen(socket);
        },
        over,
      ),
      unopened: guarded('probe', (failure: DialFailure) => onFailure(resultOf(failure, timeoutMs))),
    },
  );
  return () => {
    if (opened === null) dialling.cancel();
    else opened.destroy();
  };
}

function resultOf({ kind, error, reason, tls }: DialFailure, timeoutMs: number): ProbeResult {
  if (tls !== undefined)
    return {
      ...failed(tls === 'timeout' ? 'timeout' : tls === 'own_files' ? 'local_error' : 'error', reason),
      tls,
    };
  if (kind === 'local') return failed('local_error', `no probe could be made: ${reason}`);
  if (error === null)
    return {
      ...failed('timeout', `connection not accepted within ${formatMs(timeoutMs)}`),
      unreachable: true,
    };
  if (kind === 'silent') return { ...failed('error', errorWords(error)), unreachable: true };
  return failed(error.code === 'ECONNREFUSED' ? 'refused' : 'error', errorWords(error));
}

function ignore(): void {}
