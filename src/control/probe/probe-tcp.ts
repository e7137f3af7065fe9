import type { Socket } from 'node:net';
import type { ClaimValues, TcpExchangeProbe } from '../../model/config.ts';
import { looksLikeTls } from '../../platform/tls/failure.ts';
import { dial } from './dial.ts';
import { judgeText, wholeAnswer } from './judge-text.ts';
import { type ExchangeTarget, MAX_READ_BYTES, type ProbeExchange, probeExchange } from './probe-exchange.ts';
import { failed, formatMs, type ProbeResult, type RunningProbe, spokeTls } from './probe-result.ts';
import { encodeAuth } from './resp.ts';

/** Succeeds when the connection opens. */
export function probeTcpSocket(
  { target, port, timeoutMs, tls }: ExchangeTarget,
  done: (result: ProbeResult) => void,
): RunningProbe {
  const cancel = dial(
    { addresses: target.addresses, port, timeoutMs, tls },
    (socket) => {
      socket.destroy();
      const what = tls === null ? 'connections' : 'TLS connections';
      done({ outcome: 'success', reason: `port ${port} accepts ${what}`, answered: true, term: null });
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
  to: ExchangeTarget,
  done: (result: ProbeResult) => void,
): RunningProbe {
  let received: Buffer = Buffer.alloc(0);
  /** Of an answer that is not more than this. */
  const verdict = (why: string): ProbeResult => {
    if (received.length === 0) return failed('error', `${why} without an answer`);
    if (to.tls === null && looksLikeTls(received)) return spokeTls();
    return judgeText(received, probe, shown, why);
  };

  const begin = (socket: Socket, { end, entry }: ProbeExchange): void => {
    const onData = (chunk: Buffer): void => {
      const from = received.length;
      received = Buffer.concat([received, chunk.subarray(0, MAX_READ_BYTES - from)]);
      const whole = wholeAnswer(received, probe, from);
      if (whole !== null) end(judgeText(whole, probe, shown, null));
      else if (received.length >= MAX_READ_BYTES) end(verdict('in its first 64 KiB'));
    };
    const onClosed = entry(() => end(verdict('connection closed')));
    socket.on('data', entry(onData));
    socket.on('end', onClosed);
    socket.on('close', onClosed);
    socket.on(
      'error',
      entry(() => end(verdict('connection reset'))),
    );
    const request = Buffer.concat([
      probe.auth === null ? Buffer.alloc(0) : encodeAuth(probe.auth),
      Buffer.from(probe.send),
    ]);
    if (request.length > 0) socket.write(request);
  };

  const late = (): ProbeResult => {
    const within = `within ${formatMs(to.timeoutMs)}`;
    // Whether an answer is complete cannot be told; one that is not the wanted one by now is a "no".
    return received.length > 0
      ? verdict(`${received.length} bytes ${within}`)
      : failed('timeout', `no answer ${within}`);
  };
  return probeExchange(to, { begin, late }, done);
}
