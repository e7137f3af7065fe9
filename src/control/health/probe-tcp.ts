import type { Socket } from 'node:net';
import type { TcpExchangeProbe } from '../../model/config.ts';
import { guarded } from '../../platform/guard.ts';
import { dial } from './dial.ts';
import { failed, formatMs, type ProbeResult, type ProbeTarget, type RunningProbe } from './probe-result.ts';

/** What a probe reads at most (SPEC 3). */
export const MAX_READ_BYTES = 64 * 1024;

/** Succeeds when the connection opens. */
export function probeTcpSocket(
  target: ProbeTarget,
  port: number,
  timeoutMs: number,
  done: (result: ProbeResult) => void,
): RunningProbe {
  const cancel = dial(
    target.addresses,
    port,
    timeoutMs,
    (socket) => {
      socket.destroy();
      done({ outcome: 'success', reason: `port ${port} accepts connections`, answered: true, term: null });
    },
    done,
  );
  return { cancel };
}

/** Sends bytes and waits until what comes back contains a text, at most `MAX_READ_BYTES` of it. */
export function probeTcpExchange(
  probe: TcpExchangeProbe,
  target: ProbeTarget,
  port: number,
  timeoutMs: number,
  done: (result: ProbeResult) => void,
): RunningProbe {
  const deadlineMs = performance.now() + timeoutMs;
  let timer: NodeJS.Timeout | undefined;
  const wanted = Buffer.from(probe.expectContains, 'utf8');
  const exchange = (socket: Socket): void => {
    let received: Buffer = Buffer.alloc(0);
    const end = (result: ProbeResult): void => {
      clearTimeout(timer);
      socket.removeAllListeners();
      socket.on('error', () => {});
      socket.destroy();
      done(result);
    };
    const entry = <A extends readonly unknown[]>(run: (...args: A) => void): ((...args: A) => void) =>
      guarded('probe', run, () => end(failed('error', 'internal error')));
    const unmet = (why: string): void =>
      end(failed('failure', `the answer lacks the expected text (${why})`, true));
    const over = (why: string): void => {
      if (received.length > 0) unmet(why);
      else end(failed('error', `${why} without an answer`));
    };
    timer = setTimeout(
      entry(() => {
        // Whether an answer is complete cannot be told; one that is not the wanted one by now is a "no".
        if (received.length > 0) unmet(`${received.length} bytes within ${formatMs(timeoutMs)}`);
        else end(failed('timeout', `no answer within ${formatMs(timeoutMs)}`));
      }),
      Math.max(0, deadlineMs - performance.now()),
    );
    timer.unref();
    const onData = (chunk: Buffer): void => {
      // Only the end of what was searched already can be part of a match.
      const from = Math.max(0, received.length - wanted.length);
      received = Buffer.concat([received, chunk.subarray(0, MAX_READ_BYTES - received.length)]);
      if (received.indexOf(wanted, from) >= 0)
        end({
          outcome: 'success',
          reason: 'the answer contains the expected text',
          answered: true,
          term: null,
        });
      else if (received.length >= MAX_READ_BYTES) unmet('in its first 64 KiB');
    };
    const onClosed = entry(() => over('connection closed'));
    socket.on('data', entry(onData));
    socket.on('end', onClosed);
    socket.on('close', onClosed);
    socket.on(
      'error',
      entry(() => over('connection reset')),
    );
    if (probe.send !== '') socket.write(probe.send);
  };
  const cancelDial = dial(target.addresses, port, timeoutMs, exchange, done);
  return {
    cancel() {
      clearTimeout(timer);
      cancelDial();
    },
  };
}
