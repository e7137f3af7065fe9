import type { Socket } from 'node:net';
import type { ClaimValues, TcpExchangeProbe } from '../../model/config.ts';
import { after, monotonicMs, type Timer } from '../../platform/clock.ts';
import { guarded } from '../../platform/guard.ts';
import { dial } from './dial.ts';
import { judgeText, wholeAnswer } from './judge-text.ts';
import { failed, formatMs, type ProbeResult, type ProbeTarget, type RunningProbe } from './probe-result.ts';
import { encodeAuth } from './resp.ts';

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

/**
 * Sends bytes and looks whether what comes back contains a text, at most `MAX_READ_BYTES` of it. Where the probe says what makes
 * an answer whole it is judged then, else as soon as it contains the text, and not before the timeout where it does not.
 */
export function probeTcpExchange(
  probe: TcpExchangeProbe,
  shown: ClaimValues | null,
  target: ProbeTarget,
  port: number,
  timeoutMs: number,
  done: (result: ProbeResult) => void,
): RunningProbe {
  const deadlineMs = monotonicMs() + timeoutMs;
  let timer: Timer | undefined;
  const exchange = (socket: Socket): void => {
    let received: Buffer = Buffer.alloc(0);
    const end = (result: ProbeResult): void => {
      timer?.clear();
      socket.removeAllListeners();
      socket.on('error', () => {});
      socket.destroy();
      done(result);
    };
    const entry = <A extends readonly unknown[]>(run: (...args: A) => void): ((...args: A) => void) =>
      guarded('probe', run, () => end(failed('error', 'internal error')));
    const over = (why: string): void => {
      if (received.length > 0) end(judgeText(received, probe, shown, why));
      else end(failed('error', `${why} without an answer`));
    };
    timer = after(
      Math.max(0, deadlineMs - monotonicMs()),
      entry(() => {
        // Whether an answer is complete cannot be told; one that is not the wanted one by now is a "no".
        if (received.length > 0) over(`${received.length} bytes within ${formatMs(timeoutMs)}`);
        else end(failed('timeout', `no answer within ${formatMs(timeoutMs)}`));
      }),
    );
    const onData = (chunk: Buffer): void => {
      const from = received.length;
      received = Buffer.concat([received, chunk.subarray(0, MAX_READ_BYTES - from)]);
      const whole = wholeAnswer(received, probe, from);
      if (whole !== null) end(judgeText(whole, probe, shown, null));
      else if (received.length >= MAX_READ_BYTES) over('in its first 64 KiB');
    };
    const onClosed = entry(() => over('connection closed'));
    socket.on('data', entry(onData));
    socket.on('end', onClosed);
    socket.on('close', onClosed);
    socket.on(
      'error',
      entry(() => over('connection reset')),
    );
    const request = Buffer.concat([
      probe.auth === null ? Buffer.alloc(0) : encodeAuth(probe.auth),
      Buffer.from(probe.send),
    ]);
    if (request.length > 0) socket.write(request);
  };
  const cancelDial = dial(target.addresses, port, timeoutMs, exchange, done);
  return {
    cancel() {
      timer?.clear();
      cancelDial();
    },
  };
}
