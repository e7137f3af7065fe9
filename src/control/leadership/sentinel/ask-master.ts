import type { Credentials, HostPort } from '../../../model/config.ts';
import { redactText } from '../../../model/redact.ts';
import { type ExchangeTarget, MAX_READ_BYTES, probeExchange } from '../../probe/probe-exchange.ts';
import {
  failed,
  formatMs,
  type ProbeResult,
  printable,
  type RunningProbe,
} from '../../probe/probe-result.ts';
import { decodeReply, encodeAuth, encodeCommand, isError, type Reply } from '../../probe/resp.ts';
import { addressOf } from './messages.ts';

/** Asks one Sentinel for the address of its master. @param done is told the address, or null and why not */
export function askMaster(
  to: ExchangeTarget,
  master: string,
  auth: Credentials | null,
  done: (named: HostPort | null, result: ProbeResult) => void,
): RunningProbe {
  let named: HostPort | null = null;
  let received: Buffer = Buffer.alloc(0);
  const judge = (): ProbeResult | null => {
    let at = 0;
    let reply: Reply = null;
    for (let left = auth === null ? 1 : 2; left > 0; left--) {
      const next = decodeReply(received, at);
      if (next === null)
        return received.length < MAX_READ_BYTES ? null : failed('error', 'the answer is too long', true);
      ({ reply, end: at } = next);
    }
    if (isError(reply)) return failed('failure', `answers ${refusalText(reply, auth)}`, true);
    if (reply === null) return failed('failure', `does not know ${master}`, true);
    const [host, port] = Array.isArray(reply) ? reply : [];
    named = addressOf(textOf(host), textOf(port));
    return named === null
      ? failed('failure', 'its answer is no address', true)
      : { outcome: 'success', reason: 'it names a master', answered: true, term: null };
  };
  return probeExchange(
    to,
    {
      begin(socket, { end, entry }) {
        const ended = (): void => end(failed('error', 'connection closed without an answer'));
        socket.on(
          'data',
          entry((chunk: Buffer) => {
            received = Buffer.concat([received, chunk]);
            const result = judged(judge);
            if (result !== null) end(result);
          }),
        );
        socket.on('end', entry(ended));
        socket.on('close', entry(ended));
        socket.on('error', entry(ended));
        const ask = encodeCommand('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', master);
        socket.write(auth === null ? ask : Buffer.concat([encodeAuth(auth), ask]));
      },
      late: () => failed('timeout', `no answer within ${formatMs(to.timeoutMs)}`),
    },
    (result) => done(result.outcome === 'success' ? named : null, result),
  );
}

function judged(judge: () => ProbeResult | null): ProbeResult | null {
  try {
    return judge();
  } catch (error) {
    return failed('failure', (error as Error).message, true);
  }
}

function textOf(reply: Reply | undefined): string | undefined {
  return typeof reply === 'string' ? reply : undefined;
}

/** What a server says is wrong; an old one repeats the words of a command that it does not know. */
export function refusalText({ error }: { readonly error: string }, auth: Credentials | null): string {
  return printable(redactText(error, [auth?.password ?? '']));
}
